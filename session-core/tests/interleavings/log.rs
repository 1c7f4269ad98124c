//! The log of a request: its steps and their results.

use session_core::request::SessionHeaders;
use session_core::{ErrorKind, Outcome};

use crate::steps::Step;
use crate::world::{TOKEN_HEADER, id_of};

/// All observations of a request and its client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// The cookie that the request sent.
    pub(crate) sent: Option<String>,
    /// The request whose response arrived before this one was sent.
    pub(crate) awaited: Option<usize>,
    /// The session when the request opened it.
    pub(crate) opened: Option<Opening>,
    pub(crate) changes: Vec<Change>,
    pub(crate) saves: Vec<Save>,
    pub(crate) owner_calls: Vec<OwnerCall>,
    /// The response, unless the request was cut.
    pub(crate) response: Option<Response>,
    /// Whether the session was opened again, and found.
    pub(crate) reopened: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    /// Whether the session was new, so that the cookie opened nothing.
    pub(crate) is_new: bool,
    /// Whether it was the first session.
    pub(crate) is_first: bool,
}

/// A change, which the next save stores.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) step: Step,
    /// Names the step among those of all requests.
    pub(crate) tag: u64,
    /// The messages that it took.
    pub(crate) taken: Vec<u64>,
    /// Whether it was made after the response.
    pub(crate) reopened: bool,
}

/// An operation, from the step in which it started to the one in which it ended. An operation that
/// was dropped has no end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) began: u64,
    pub(crate) ended: Option<u64>,
}

/// A save before the response, or that of the commit.
#[derive(Clone, Debug)]
pub(crate) struct Save {
    pub(crate) span: Span,
    /// The number of changes before it.
    pub(crate) changes: usize,
    /// `None`: it was dropped.
    pub(crate) result: Option<Result<Outcome, ErrorKind>>,
    /// The result of `Session::outcome` after it.
    pub(crate) outcome: Option<Outcome>,
    /// Whether the session was the first one after it.
    pub(crate) is_first: bool,
    pub(crate) is_commit: bool,
    /// Whether it saved a session that was opened again after the response.
    pub(crate) reopened: bool,
}

/// A call of `OwnerSessions`.
#[derive(Clone, Debug)]
pub(crate) struct OwnerCall {
    pub(crate) step: Step,
    pub(crate) span: Span,
    /// `None`: it was dropped.
    pub(crate) result: Option<Result<(), ErrorKind>>,
    /// Whether the session that called it was found.
    pub(crate) found: bool,
    /// The number of lists that showed the first session.
    pub(crate) listed: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) cookie: Cookie,
    pub(crate) error: Option<ErrorKind>,
    /// Whether it set a cookie that opened nothing at that moment.
    pub(crate) is_dead: bool,
}

/// The effect of a `Set-Cookie` header, or of the header that has the token instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cookie {
    None,
    Set(String),
    Removed,
}

/// The end of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// No save was tried.
    Unsaved,
    /// All saves failed or were dropped.
    Unknown,
    /// A save reported that the change is dropped, after this many failed saves.
    Dropped { tries: usize },
    /// A save reported that the change is stored.
    Stored { save: usize },
}

impl Span {
    /// Returns whether this operation ended before another started.
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.ended.is_some_and(|ended| ended < other.began)
    }
}

impl Cookie {
    pub(crate) fn of(headers: &SessionHeaders) -> Self {
        let Some((name, header)) = headers.fields().next() else { return Self::None };
        let value = if name == TOKEN_HEADER {
            header
        } else {
            let pair = header.split(';').next().unwrap_or_default();
            pair.split_once('=').map_or("", |(_, value)| value)
        };
        if value.is_empty() { Self::Removed } else { Self::Set(value.to_owned()) }
    }
}

impl Log {
    /// Returns the end of a change, and the time in which that was decided.
    pub(crate) fn fate(&self, change: usize) -> (Fate, Span) {
        let mut span: Option<Span> = None;
        let mut tries = 0;
        let reopened = self.changes[change].reopened;
        for (index, save) in self.saves.iter().enumerate() {
            if save.changes <= change || save.reopened != reopened {
                continue;
            }
            let began = span.map_or(save.span.began, |span| span.began);
            span = Some(Span { began, ended: save.span.ended });
            let fate = match save.result {
                Some(Ok(Outcome::Stored)) => Fate::Stored { save: index },
                // The reopened session has ended, so the save stored nothing.
                Some(Ok(_) | Err(ErrorKind::Ended)) => Fate::Dropped { tries },
                _ => {
                    tries += 1;
                    continue;
                }
            };
            return (fate, span.unwrap());
        }
        match span {
            Some(span) => (Fate::Unknown, Span { ended: None, ..span }),
            None => (Fate::Unsaved, Span { began: u64::MAX, ended: None }),
        }
    }

    /// Returns whether a change may have been stored.
    pub(crate) fn may_be_stored(&self, change: usize) -> bool {
        matches!(
            self.fate(change).0,
            Fate::Unknown | Fate::Stored { .. } | Fate::Dropped { tries: 1.. }
        )
    }

    /// Returns the changes with these steps that may have been stored.
    pub(crate) fn tried(&self, is_wanted: impl Fn(Step) -> bool) -> impl Iterator<Item = usize> {
        let changes = self.changes.iter().enumerate();
        changes
            .filter(move |(_, change)| is_wanted(change.step))
            .map(|(index, _)| index)
            .filter(|index| self.may_be_stored(*index))
    }

    /// Returns whether the client got an error, or no response.
    pub(crate) fn has_failed(&self) -> bool {
        self.response.as_ref().is_none_or(|response| response.error.is_some())
    }

    /// Returns whether a save may have stored a new session: the cookie opened none, or it was
    /// ended.
    pub(crate) fn tried_to_begin(&self) -> bool {
        let is_new = self.opened.is_some_and(|opened| opened.is_new);
        let ends = self.tried(|step| step == Step::End).next().is_some();
        (is_new || ends) && self.tried(|step| step != Step::End).next().is_some()
    }

    /// Returns whether the reopened session had ended, or its request ended it.
    pub(crate) fn ended_after_response(&self) -> bool {
        let ends = |change: &Change| change.reopened && change.step == Step::End;
        self.reopened == Some(false) || self.changes.iter().any(ends)
    }

    /// Returns whether the response ends or changes the id in the browser.
    pub(crate) fn changes_cookie(&self) -> bool {
        self.response.as_ref().is_some_and(|response| match &response.cookie {
            Cookie::None => false,
            Cookie::Set(cookie) => self.sent.as_deref().map(id_of) != Some(id_of(cookie)),
            Cookie::Removed => true,
        })
    }

    /// Returns the cookie that the response sets.
    pub(crate) fn cookie(&self) -> Option<&str> {
        match &self.response.as_ref()?.cookie {
            Cookie::Set(cookie) => Some(cookie),
            _ => None,
        }
    }
}
