//! The chart at the top of the README: ratios of its tables, for light and dark pages.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// The rows of the chart: the target in the tables of the README, the work and the other library.
const ROWS: [(&str, &str, &str); 11] = [
    (
        "Cookie: open, read one key, 300 B, signed over SignedJar",
        "Signed cookie, open",
        "cookie's SignedJar",
    ),
    (
        "Cookie: open, change, save, 300 B, signed over SignedJar",
        "Signed cookie, change",
        "cookie's SignedJar",
    ),
    (
        "Request: read, ours, signed cookie over actix-session, cookie",
        "Request on actix-web, cookie",
        "actix-session",
    ),
    ("Memory: Load, 64 tasks, over tower-sessions MemoryStore", "Memory, load", "tower-sessions"),
    ("Memory: Save, 64 tasks, over tower-sessions MemoryStore", "Memory, save", "tower-sessions"),
    (
        "Memory: Update, 1 task, over tower-sessions MemoryStore",
        "Memory, update, one task",
        "tower-sessions",
    ),
    (
        "Redis: Load, 64 tasks, over tower-sessions, one client / tower-sessions, its pool / actix-session",
        "Redis, load",
        "the fastest of three",
    ),
    (
        "Redis: Save, 64 tasks, over tower-sessions, one client / tower-sessions, its pool / actix-session",
        "Redis 7, save",
        "the fastest of three",
    ),
    (
        "SQLite, synchronous=FULL: Save, 64 tasks, over tower-sessions as it comes / tower-sessions with WAL",
        "SQLite, save",
        "tower-sessions",
    ),
    (
        "PostgreSQL: Load, 64 tasks, over tower-sessions as it comes",
        "PostgreSQL, load",
        "tower-sessions",
    ),
    (
        "PostgreSQL: Save, 64 tasks, over tower-sessions as it comes",
        "PostgreSQL, save",
        "tower-sessions",
    ),
];

const WIDTH: f64 = 760.0;
/// The position of the axis' left end, and its length.
const AXIS: (f64, f64) = (320.0, 370.0);
const TOP: f64 = 64.0;
const ROW: f64 = 28.0;
/// The ends of the axis, which is logarithmic.
const ENDS: (f64, f64) = (0.25, 16.0);

/// A color on light pages, and on dark ones.
struct Colors {
    page: &'static str,
    text: &'static str,
    faint: &'static str,
    grid: &'static str,
    bar: &'static str,
    slower: &'static str,
}

const LIGHT: Colors = Colors {
    page: "#ffffff",
    text: "#1f2328",
    faint: "#59636e",
    grid: "#d1d9e0",
    bar: "#1a7f37",
    slower: "#bc4c00",
};
const DARK: Colors = Colors {
    page: "#0d1117",
    text: "#e6edf3",
    faint: "#9198a1",
    grid: "#3d444d",
    bar: "#3fb950",
    slower: "#db6d28",
};

/// A ratio with its spread.
struct Ratio {
    median: f64,
    smallest: f64,
    largest: f64,
}

/// Reads the README and writes both files beside it.
pub fn draw() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(readme) = std::fs::read_to_string(folder.join("README.md")) else {
        eprintln!("benchmarks: README.md cannot be read");
        return ExitCode::FAILURE;
    };
    let mut ratios = Vec::new();
    for (target, ..) in ROWS {
        let Some(ratio) = find(&readme, target) else {
            eprintln!("benchmarks: README.md has no figure for `{target}`");
            return ExitCode::FAILURE;
        };
        ratios.push(ratio);
    }
    for (name, colors) in [("chart-light.svg", LIGHT), ("chart-dark.svg", DARK)] {
        if let Err(error) = std::fs::write(folder.join(name), svg(&ratios, &colors)) {
            eprintln!("benchmarks: {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Returns the ratio in the row of a target, such as `| name | 1.2 | 2.17 (1.95–3.35) | met |`.
fn find(readme: &str, target: &str) -> Option<Ratio> {
    let row = readme.lines().find(|line| {
        line.strip_prefix("| ")
            .and_then(|line| line.strip_prefix(target))
            .is_some_and(|rest| rest.starts_with(" |"))
    })?;
    let (median, spread) = row.split(" | ").nth(2)?.split_once(" (")?;
    let (smallest, largest) = spread.trim_end_matches(')').split_once('–')?;
    let number = |text: &str| text.parse().ok();
    Some(Ratio { median: number(median)?, smallest: number(smallest)?, largest: number(largest)? })
}

fn svg(ratios: &[Ratio], colors: &Colors) -> String {
    let bottom = ROWS.iter().fold(TOP, |top, _| top + ROW);
    let height = bottom + 44.0;
    let mut text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">
  <title id="title">Speed of this project over other libraries</title>
  <style>text {{ font: 13px system-ui, sans-serif; fill: {}; }} .faint {{ font-size: 12px; fill: {}; }} .title {{ font-size: 15px; font-weight: 600; }}</style>
  <rect width="{WIDTH}" height="{height}" rx="8" fill="{}"/>
  <text class="title" x="16" y="28">Speed of this project over other libraries, in the same run</text>
  <text class="faint" x="16" y="46">Median ratio and spread over the rounds, stores with 64 tasks. Right of 1, this project is faster.</text>
"#,
        colors.text, colors.faint, colors.page
    );
    for (tick, width) in [(0.25, 1), (0.5, 1), (1.0, 2), (2.0, 1), (4.0, 1), (8.0, 1), (16.0, 1)] {
        let x = position(tick);
        let _ = writeln!(
            text,
            r#"  <path d="M{x:.1} {TOP} V{bottom}" stroke="{}" stroke-width="{width}"/>
  <text class="faint" x="{x:.1}" y="{:.1}" text-anchor="middle">{tick}</text>"#,
            colors.grid,
            bottom + 18.0
        );
    }
    let mut top = TOP;
    for (ratio, (_, work, library)) in ratios.iter().zip(ROWS) {
        bar(&mut text, top, ratio, (work, library), colors);
        top += ROW;
    }
    text.push_str("</svg>\n");
    text
}

fn bar(text: &mut String, top: f64, ratio: &Ratio, (work, library): (&str, &str), colors: &Colors) {
    let (one, median) = (position(1.0), position(ratio.median));
    let (low, high) = (position(ratio.smallest), position(ratio.largest));
    let (left, width) = (one.min(median), (median - one).abs().max(1.0));
    let color = if ratio.median < 1.0 { colors.slower } else { colors.bar };
    let (middle, baseline) = (top + ROW / 2.0, top + ROW / 2.0 + 4.5);
    let _ = writeln!(
        text,
        r#"  <text x="16" y="{baseline}">{work}</text>
  <text class="faint" x="{:.1}" y="{baseline}" text-anchor="end">{library}</text>
  <rect x="{left:.1}" y="{:.1}" width="{width:.1}" height="16" rx="2" fill="{color}"/>
  <path d="M{low:.1} {middle} H{high:.1}" stroke="{}" stroke-width="1.5"/>
  <text x="{:.1}" y="{baseline}">{:.1}</text>"#,
        AXIS.0 - 12.0,
        top + 6.0,
        colors.text,
        AXIS.0 + AXIS.1 + 12.0,
        ratio.median,
    );
}

/// Returns the horizontal position of a ratio.
fn position(ratio: f64) -> f64 {
    let (low, high) = ENDS;
    let part = (ratio.clamp(low, high) / low).ln() / (high / low).ln();
    AXIS.0 + AXIS.1 * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_of_target_is_found() {
        let readme = "| a over b, c | 2 | 0.50 (0.40–0.60) | missed |\n\
                      | a over b | 1.2 | 2.17 (1.95–3.35) | met |\n";
        let ratio = find(readme, "a over b").unwrap();
        assert_eq!((ratio.median, ratio.smallest, ratio.largest), (2.17, 1.95, 3.35));
        assert!(find(readme, "a over").is_none());
    }

    #[test]
    fn axis_has_one_sixth_for_each_doubling() {
        assert!((position(0.25) - AXIS.0).abs() < 1e-9);
        assert!((position(16.0) - AXIS.0 - AXIS.1).abs() < 1e-9);
        assert!((position(1.0) - position(0.5) - AXIS.1 / 6.0).abs() < 1e-9);
    }
}
