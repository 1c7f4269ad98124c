//! Debian's `chromedriver`, which starts a Chromium for each WebDriver session.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::keeper::{Keeper, Program};
use crate::program::installed;

/// The text that chromedriver prints before its port when it is ready.
const READY: &str = "ChromeDriver was started successfully on port ";

/// Arguments with which Chromium runs without a screen, as any user, and connects only to the pages
/// under test.
const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-sync",
];

/// A program that drives browsers. The driver and all its browsers are killed when this process
/// ends.
#[derive(Debug)]
pub struct Chromedriver {
    url: String,
    folder: PathBuf,
    _keeper: Keeper,
}

/// Returns the driver that all tests of this process share. Each of its sessions is a separate
/// browser.
pub fn chromedriver() -> &'static Chromedriver {
    static DRIVER: OnceLock<Chromedriver> = OnceLock::new();
    DRIVER.get_or_init(Chromedriver::start)
}

impl Chromedriver {
    /// Returns the address for a WebDriver client.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a path for the profile of a browser: its cookies, cache and other data. The folder
    /// does not exist yet. It is removed together with the driver.
    pub fn new_profile(&self) -> PathBuf {
        self.folder.join(format!("profile-{:016x}", fastrand::u64(..)))
    }

    /// Returns the capabilities that a WebDriver client requests: a Chromium without a window, with
    /// this profile. It logs the console output of pages (`browser`) and their requests
    /// (`performance`).
    pub fn capabilities(&self, profile: &Path) -> Value {
        let profile = format!("--user-data-dir={}", profile.display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
        json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": installed("chromium", "chromium"), "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        })
    }

    fn start() -> Self {
        let mut keeper = Keeper::new("chromedriver", |folder| Program {
            path: installed("env", "coreutils"),
            arguments: vec![
                // A killed browser leaves files in both folders.
                format!("TMPDIR={}", folder.display()),
                format!("HOME={}", folder.display()),
                installed("chromedriver", "chromium-driver").display().to_string(),
                "--port=0".to_owned(),
            ],
            last_signal: "KILL",
        });
        keeper.order("start");
        let deadline = Instant::now() + Duration::from_secs(30);
        let port = loop {
            if let Some(port) = announced_port(&keeper.log()) {
                break port;
            }
            assert!(Instant::now() < deadline, "chromedriver does not start:\n{}", keeper.log());
            sleep(Duration::from_millis(10));
        };
        Self {
            url: format!("http://127.0.0.1:{port}"),
            folder: keeper.folder().to_owned(),
            _keeper: keeper,
        }
    }
}

fn announced_port(log: &str) -> Option<u16> {
    log.split_once(READY)?.1.split_once('.')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_read_from_complete_line() {
        assert_eq!(announced_port("Starting ChromeDriver on port 0\n"), None);
        assert_eq!(announced_port(&format!("{READY}412")), None);
        assert_eq!(announced_port(&format!("{READY}41234.\n")), Some(41_234));
    }
}
