//! The table of results, in Markdown.

use crate::judge::{Documented, Verdict};
use crate::traffic::Counts;

const HEAD: [&str; 9] = [
    "fault",
    "requests",
    "errors",
    "errors for",
    "updates",
    "lost",
    "logouts",
    "undone",
    "documented loss",
];
const WIDTHS: [usize; 9] = [27, 8, 26, 10, 7, 4, 7, 6, 40];

pub(crate) fn head() -> String {
    let rule = WIDTHS.map(|width| "-".repeat(width));
    format!("{}\n{}", line(HEAD), line(rule.each_ref().map(String::as_str)))
}

/// Returns the row of a fault.
pub(crate) fn row(name: &str, counts: &Counts, verdict: Verdict, documented: Documented) -> String {
    let (requests, errors) = (counts.requests.to_string(), errors(counts));
    let outage = format!("{:.1} s", counts.outage().as_secs_f64());
    let (updates, logouts) = (counts.updates.to_string(), counts.logouts.to_string());
    let (lost, undone) = (verdict.lost.to_string(), verdict.undone.to_string());
    let documented = documented.text();
    line([name, &requests, &errors, &outage, &updates, &lost, &logouts, &undone, documented])
}

/// Returns the number of all errors and of each kind, such as `3 (2 × 503, 1 × 504)`.
fn errors(counts: &Counts) -> String {
    let kinds: Vec<String> =
        counts.errors.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
    match counts.errors.values().sum::<u32>() {
        0 => "0".to_owned(),
        sum => format!("{sum} ({})", kinds.join(", ")),
    }
}

fn line(cells: [&str; 9]) -> String {
    let cells = cells.into_iter().zip(WIDTHS);
    let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Traffic;

    #[test]
    fn row_has_kinds_of_errors_and_losses() {
        let traffic = Traffic::default();
        traffic.succeed();
        traffic.acknowledge_update();
        for status in ["503", "504", "503"] {
            traffic.fail(status.to_owned());
        }
        let verdict = Verdict { lost: 5, undone: 6, ..Verdict::default() };
        let row = row("kill", &traffic.read(), verdict, Documented::Nothing);
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let expected =
            ["kill", "4", "3 (2 × 503, 1 × 504)", "0.0 s", "1", "5", "0", "6", "nothing"];
        assert_eq!(cells[1..10], expected);
        assert!(head().lines().all(|line| line.chars().count() == row.chars().count()));
    }
}
