//! The result of all checks, as text and as JSON.

use std::fmt;

use serde_json::{Value, json};

/// The result of one check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The application fulfils the promise.
    Passed,
    /// The application does not fulfil the promise. The text is the cause.
    Failed(String),
    /// The application does not fulfil the promise, because it stores the session in a cookie. No
    /// session in a cookie can fulfil this promise. The text is the cause.
    ByDesign(String),
    /// The promise does not concern the application. The text is the reason.
    NotApplicable(String),
}

impl Outcome {
    /// Returns the outcome as a word: `pass`, `fail`, `by design` or `not applicable`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed(_) => "fail",
            Self::ByDesign(_) => "by design",
            Self::NotApplicable(_) => "not applicable",
        }
    }

    /// Returns the cause or the reason, or an empty text for a check that passed.
    pub fn cause(&self) -> &str {
        match self {
            Self::Passed => "",
            Self::Failed(cause) | Self::ByDesign(cause) | Self::NotApplicable(cause) => cause,
        }
    }
}

/// One check and its outcome.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The subject of the check, such as `session fixation`.
    pub group: &'static str,
    /// The name of the check.
    pub check: &'static str,
    /// The promise that the check verifies.
    pub promise: &'static str,
    /// The outcome of the check.
    pub outcome: Outcome,
}

/// The results of all checks of one application.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) stored_in_cookie: bool,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// Returns the result of each check.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns whether a check failed. Outcomes by design are not failures.
    pub fn has_failures(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.outcome, Outcome::Failed(_)))
    }

    /// Returns whether the cookie contains the session itself, not only the session id.
    pub fn is_stored_in_cookie(&self) -> bool {
        self.stored_in_cookie
    }

    /// Returns the report as JSON.
    pub fn to_json(&self) -> Value {
        let checks = self.findings.iter().map(|finding| {
            json!({
                "group": finding.group,
                "check": finding.check,
                "promise": finding.promise,
                "outcome": finding.outcome.word(),
                "cause": finding.outcome.cause(),
            })
        });
        json!({ "storage": self.storage(), "checks": checks.collect::<Vec<_>>() })
    }

    fn storage(&self) -> &'static str {
        if self.stored_in_cookie { "cookie" } else { "server" }
    }

    fn count(&self, word: &str) -> usize {
        self.findings.iter().filter(|finding| finding.outcome.word() == word).count()
    }
}

impl fmt::Display for Report {
    /// Writes the storage of the session, one line per check, and the number of each outcome.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "storage of the session: {}", self.storage())?;
        for Finding { group, check, outcome, .. } in &self.findings {
            let line =
                format!("{:14}  {group:17}  {check:38}  {}", outcome.word(), outcome.cause());
            writeln!(f, "{}", line.trim_end())?;
        }
        let words = ["pass", "fail", "by design", "not applicable"];
        let counts = words.map(|word| format!("{word}: {}", self.count(word)));
        write!(f, "{}", counts.join(", "))
    }
}
