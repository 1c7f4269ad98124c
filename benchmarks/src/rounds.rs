//! Interleaved rounds and their evaluation: ratios within a round, with median, smallest and
//! largest.

use std::fmt::Write as _;
use std::time::Duration;

/// The number and length of the measurements.
pub struct Plan {
    pub rounds: usize,
    /// The time of one contestant in one round.
    pub slice: Duration,
    /// The number of sessions in the memory stores.
    pub sessions: usize,
    /// The number of sessions in the measurement of the footprint. The measurement of growth uses
    /// several times as many records.
    pub footprint: usize,
    /// Runs only contestants whose name contains this text, and those that targets compare with.
    pub only: Option<String>,
}

impl Plan {
    pub fn full() -> Self {
        Self {
            rounds: 9,
            slice: Duration::from_millis(300),
            sessions: 100_000,
            footprint: 1_000_000,
            only: None,
        }
    }

    pub fn quick() -> Self {
        Self {
            rounds: 3,
            slice: Duration::from_millis(100),
            sessions: 100_000,
            footprint: 100_000,
            only: None,
        }
    }

    pub fn takes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|text| name.contains(text.as_str()))
    }
}

/// Returns the order of a round. Every second round is reversed, because otherwise each contestant
/// would always follow the same one.
pub fn order(round: usize, contestants: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..contestants).collect();
    order.rotate_left(round / 2 % contestants.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// One figure for each round.
#[derive(Clone, Default)]
pub struct Figures(pub Vec<f64>);

impl Figures {
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => sorted[length / 2],
            length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
        }
    }

    pub fn smallest(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn largest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Divides each round's figure by that of `other`.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// Returns the best figure of each round.
    pub fn best(rivals: &[&Self]) -> Self {
        let rounds = rivals.iter().map(|rival| rival.0.len()).min().unwrap_or_default();
        Self(
            (0..rounds)
                .map(|round| rivals.iter().map(|rival| rival.0[round]).fold(0.0, f64::max))
                .collect(),
        )
    }

    /// Formats the median, and the smallest and the largest value in parentheses.
    pub fn ratio(&self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median(), self.smallest(), self.largest())
    }
}

/// The target of a ratio. The target is met if the median is not smaller.
pub struct Target {
    pub what: String,
    pub ratio: Figures,
    pub at_least: f64,
}

impl Target {
    pub fn line(&self) -> String {
        let verdict = if self.ratio.median() >= self.at_least { "met" } else { "missed" };
        format!("| {} | {} | {} | {verdict} |", self.what, self.at_least, self.ratio.ratio())
    }
}

pub fn print_targets(targets: &[Target]) {
    let mut text = String::from("\n| target | at least | ratio | |\n|---|---|---|---|\n");
    for target in targets {
        let _ = writeln!(text, "{}", target.line());
    }
    println!("{text}");
}

/// Formats `1234.5` as `1,234`; small numbers have two digits.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_is_met_by_median() {
        let line = |figures: &[f64]| {
            Target { what: "load".to_owned(), ratio: Figures(figures.to_vec()), at_least: 2.0 }
                .line()
        };
        assert!(line(&[2.0, 2.5, 3.0]).ends_with("| met |"));
        assert!(line(&[1.0, 2.0, 3.0]).ends_with("| met |"));
        assert!(line(&[1.0, 1.9, 3.0]).ends_with("| missed |"));
    }

    #[test]
    fn ratios_are_computed_within_round() {
        let (ours, theirs) = (Figures(vec![10.0, 40.0]), Figures(vec![5.0, 10.0]));
        assert_eq!(ours.over(&theirs).0, [2.0, 4.0]);
        assert_eq!(Figures::best(&[&ours, &Figures(vec![20.0, 1.0])]).0, [20.0, 40.0]);
        assert_eq!(
            (number(1_234_567.0), number(12.345)),
            ("1,234,567".to_owned(), "12.35".to_owned())
        );
    }
}
