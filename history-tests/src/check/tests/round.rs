//! A short history, built step by step.

use std::time::{Duration, SystemTime};

use session_core::{Refresh, SessionConfig};

use super::super::judge;
use crate::history::{
    Attempt, Change, Effect, History, OPEN_END, Observation, OwnerCall, OwnerCallKind, SaveResult,
    SetCookie, Snapshot, Source, Status, Tick, Token, Writes,
};
use crate::plan::{ENGINES, Faults, Settings};

/// A history in the making.
pub(super) struct Round {
    pub(super) history: History,
    pub(super) now: SystemTime,
}

/// A save of a request that has opened a session.
#[derive(Clone, Copy)]
pub(super) struct Save<'a> {
    pub(super) request: u64,
    pub(super) opened_at: Tick,
    pub(super) cookie: Option<usize>,
    pub(super) opened: &'a [Token],
    /// The path with the changes of the request.
    pub(super) path: &'a [Token],
    pub(super) result: SaveResult,
}

impl Round {
    pub(super) fn new() -> Self {
        let mut round = Self { history: History::default(), now: SystemTime::UNIX_EPOCH };
        round.pass(1_000_000);
        round
    }

    /// Lets time pass for all engines.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let tick = self.history.tick();
        self.history.clocks.extend((0..ENGINES).map(|engine| (tick, engine, self.now)));
    }

    /// Adds a cookie that a response set for the session of a path.
    pub(super) fn cookie(&mut self, path: &[Token]) -> usize {
        let value = format!("cookie {}", self.history.cookies.len());
        let index = self.history.add_cookie(&value);
        let (start, end) = (self.history.tick(), self.history.tick());
        let cookie = &mut self.history.cookies[index];
        cookie.set.push(SetCookie { start, end });
        (cookie.path, cookie.delivered) = (Some(path.to_vec()), true);
        index
    }

    /// Starts a session, and returns its cookie.
    pub(super) fn begin(&mut self, request: u64, token: Token) -> usize {
        let opened_at = self.history.tick();
        let (path, result) = (&[token], SaveResult::Stored);
        let save = Save { request, opened_at, cookie: None, opened: &[], path, result };
        self.save(save, &[Effect::Begin(token)]);
        self.history.delivered.insert(request);
        self.cookie(path)
    }

    /// Adds a save with its changes.
    pub(super) fn save(&mut self, save: Save<'_>, effects: &[Effect]) {
        let start = self.history.tick();
        self.save_from(start, save, effects);
    }

    /// Adds a save that started at a tick.
    pub(super) fn save_from(&mut self, start: Tick, save: Save<'_>, effects: &[Effect]) {
        let returned = self.history.tick();
        let (status, end) = match save.result {
            SaveResult::Stored | SaveResult::Unchanged => (Status::Applied, returned),
            SaveResult::Dropped => (Status::Dropped, returned),
            SaveResult::Failed(_) | SaveResult::GivenUp => (Status::Unknown, OPEN_END),
        };
        let attempt = self.history.attempts.len();
        let ends = effects.contains(&Effect::End);
        self.history.attempts.push(Attempt {
            request: save.request,
            engine: 0,
            start,
            end,
            returned,
            anchor: save.path.last().copied(),
            opened_at: save.opened_at,
            opened_path: Some(save.opened.to_vec()),
            path: save.path.to_vec(),
            cookie: save.cookie,
            result: save.result,
            writes: if ends { Writes::Nothing } else { Writes::Always },
            reopened: false,
        });
        let anchors: Vec<Token> =
            save.opened.last().or(save.path.last()).copied().into_iter().collect();
        self.history.changes.extend(effects.iter().map(|effect| Change {
            effect: effect.clone(),
            status,
            start,
            end,
            anchors: anchors.clone(),
            attempt,
            request: save.request,
            cookie: save.cookie,
            found: !save.opened.is_empty(),
            ends_own: false,
        }));
    }

    /// Lets a later save store the change that was added before the last save.
    pub(super) fn store_later(&mut self, change: usize) {
        let end = self.history.attempts.last().map_or(OPEN_END, |attempt| attempt.end);
        let change = &mut self.history.changes[change];
        (change.status, change.end) = (Status::Applied, end);
    }

    /// Adds a request that opens a cookie. Returns the tick at which it did.
    pub(super) fn look(
        &mut self,
        request: u64,
        cookie: Option<usize>,
        found: Option<Snapshot>,
    ) -> Tick {
        self.observe(request, cookie, found, Source::Opened)
    }

    pub(super) fn observe(
        &mut self,
        request: u64,
        cookie: Option<usize>,
        found: Option<Snapshot>,
        source: Source,
    ) -> Tick {
        let (start, end) = (self.history.tick(), self.history.tick());
        let observation = Observation { request, engine: 0, start, end, source, cookie, found };
        self.history.observations.push(observation);
        end
    }

    /// Adds a list of the sessions of Ada, on several pages.
    pub(super) fn list(&mut self, request: u64, handles: &[&str]) {
        let handles = handles.iter().map(|handle| (*handle).to_owned()).collect();
        self.call(request, OwnerCallKind::Listed { handles, complete: false });
    }

    /// Adds a call about the sessions of Ada.
    pub(super) fn call(&mut self, request: u64, kind: OwnerCallKind) {
        let (start, end) = (self.history.tick(), self.history.tick());
        let owner = "ada".to_owned();
        self.history.owner_calls.push(OwnerCall {
            request,
            owner,
            kind,
            start,
            end,
            succeeded: true,
        });
    }

    /// Returns the rules that the history violates.
    pub(super) fn violated(&self) -> Vec<&'static str> {
        let owners = ["ada".to_owned(), "eve".to_owned()];
        let settings = Settings {
            browsers: 1,
            permanent_lifetime: Duration::from_hours(5),
            browser_lifetime: Duration::from_hours(2),
            idle_timeout: None,
            absolute_timeout: None,
            refresh: Refresh::WhenAccessed,
            skew: Duration::ZERO,
            faults: Faults::default(),
        };
        let violations = judge(&self.history, &settings, &owners, &SessionConfig::default());
        violations.iter().map(|violation| violation.rule).collect()
    }
}

/// Returns the session of a path. Sessions with two tokens belong to Ada.
pub(super) fn session(path: &[Token]) -> Snapshot {
    let owner = (path.len() > 1).then(|| "ada".to_owned());
    Snapshot { path: path.to_vec(), owner, ..Snapshot::default() }
}

pub(super) fn login(token: Token, from: Option<Token>) -> Effect {
    Effect::Login { token, owner: 0, from }
}

/// Returns a save of a request that opened the session 1.
pub(super) fn save_of_first(
    request: u64,
    opened_at: Tick,
    cookie: usize,
    result: SaveResult,
) -> Save<'static> {
    Save { request, opened_at, cookie: Some(cookie), opened: &[1], path: &[1], result }
}
