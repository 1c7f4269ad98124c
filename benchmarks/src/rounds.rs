//! Interleaved rounds, and what is made of their figures: ratios within a round, their median, smallest and largest.

use std::fmt::Write as _;
use std::time::Duration;

/// How long and how often is measured.
pub struct Plan {
    pub rounds: usize,
    /// One contestant's share of one round.
    pub slice: Duration,
    /// How many sessions the memory stores hold.
    pub sessions: usize,
    /// How many sessions the footprint is measured with.
    pub footprint: usize,
    /// Only contestants whose name contains this, and those that targets compare with.
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

/// The order of a round: every other one runs backwards, so that nobody always comes after the same rival.
pub fn order(round: usize, contestants: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..contestants).collect();
    order.rotate_left(round / 2 % contestants.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// One figure per round.
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

    /// Round by round, divided by another's.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// Round by round, the best of several.
    pub fn best(rivals: &[&Self]) -> Self {
        let rounds = rivals.iter().map(|rival| rival.0.len()).min().unwrap_or_default();
        Self(
            (0..rounds)
                .map(|round| rivals.iter().map(|rival| rival.0[round]).fold(0.0, f64::max))
                .collect(),
        )
    }

    /// Median, and in brackets smallest and largest.
    pub fn ratio(&self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median(), self.smallest(), self.largest())
    }
}

/// What a ratio should be. A spread that crosses it is a miss.
pub struct Target {
    pub what: String,
    pub ratio: Figures,
    pub at_least: f64,
}

impl Target {
    pub fn line(&self) -> String {
        let verdict = match (self.ratio.smallest(), self.ratio.median()) {
            (smallest, _) if smallest >= self.at_least => "met",
            (_, median) if median >= self.at_least => "missed: the spread crosses it",
            _ => "missed",
        };
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

/// `1234.5` as `1,234`; small numbers keep two digits.
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
    fn a_spread_that_crosses_the_target_is_a_miss() {
        let line = |figures: &[f64]| {
            Target { what: "load".to_owned(), ratio: Figures(figures.to_vec()), at_least: 2.0 }
                .line()
        };
        assert!(line(&[2.0, 2.5, 3.0]).ends_with("| met |"));
        assert!(line(&[1.9, 2.5, 3.0]).ends_with("| missed: the spread crosses it |"));
        assert!(line(&[1.0, 1.5, 3.0]).ends_with("| missed |"));
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let (ours, theirs) = (Figures(vec![10.0, 40.0]), Figures(vec![5.0, 10.0]));
        assert_eq!(ours.over(&theirs).0, [2.0, 4.0]);
        assert_eq!(Figures::best(&[&ours, &Figures(vec![20.0, 1.0])]).0, [20.0, 40.0]);
        assert_eq!(
            (number(1_234_567.0), number(12.345)),
            ("1,234,567".to_owned(), "12.35".to_owned())
        );
    }
}
