//! The history of a round: observations, changes and saves, each between two ticks of one counter.
//!
//! The counter orders the events of all tasks. If one call ended before another started, its last
//! tick is lower than the first tick of the other. If not, the calls overlapped, and their order is
//! unknown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use session_core::ErrorKind;

/// A point in the order of events.
pub(crate) type Tick = u64;
/// A number that only one change of the round writes.
pub(crate) type Token = u64;

/// The end of a change that may still be applied.
pub(crate) const OPEN_END: Tick = Tick::MAX;

/// A change that a request makes to its session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Sets the value of a key, or removes it.
    Put(&'static str, Option<u64>),
    /// Sets the value of a key that has none.
    PutIfAbsent(&'static str, u64),
    Mark(Token),
    Flash(Token),
    Take(Vec<Token>),
    Clear,
    /// Starts a session. The path of a session begins with this token, unless it begins with the
    /// token of a login.
    Begin(Token),
    /// A login appends its token to the path of the session. `from` is the last token before it.
    Login {
        token: Token,
        owner: usize,
        from: Option<Token>,
    },
    Rotate,
    End,
    /// Writes without a change.
    Touch,
}

impl Effect {
    /// Returns whether the session moves to another id.
    pub(crate) fn changes_id(&self) -> bool {
        matches!(self, Self::Login { .. } | Self::Rotate)
    }

    /// Returns whether clearing the session takes the effect back.
    pub(crate) fn is_of_values(&self) -> bool {
        !self.changes_id() && !matches!(self, Self::End)
    }
}

/// Whether a change reached the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// The call reported success.
    Applied,
    /// The call failed, or its future was dropped.
    Unknown,
    /// The call reported that nothing is stored.
    Dropped,
}

/// A change, from the first attempt to save it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) effect: Effect,
    pub(crate) status: Status,
    pub(crate) start: Tick,
    /// The end of the attempt that settled it.
    pub(crate) end: Tick,
    /// The last token of the path that the request saw, and its later ones if the first save
    /// failed. For [`Effect::End`], that of the path before.
    pub(crate) anchors: Vec<Token>,
    /// The first attempt. All changes of an attempt are applied together.
    pub(crate) attempt: usize,
    pub(crate) request: u64,
    /// The cookie that the request sent.
    pub(crate) cookie: Option<usize>,
    /// Whether the request found a session.
    pub(crate) found: bool,
    /// Whether it is the end of a session that the request itself has stored.
    pub(crate) ends_own: bool,
}

/// A save.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) request: u64,
    pub(crate) engine: usize,
    pub(crate) start: Tick,
    /// The end, unless it failed: then its calls may be applied later.
    pub(crate) end: Tick,
    /// The time at which the call returned or was dropped.
    pub(crate) returned: Tick,
    /// The last token of the session that it writes, or whose expiry it extends.
    pub(crate) anchor: Option<Token>,
    /// The time at which the request opened its session.
    pub(crate) opened_at: Tick,
    /// The path of the session when it was opened; `None` if the request found none.
    pub(crate) opened_path: Option<Vec<Token>>,
    /// The path with the changes of the request.
    pub(crate) path: Vec<Token>,
    /// The cookie that the request sent, if a response had set it.
    pub(crate) cookie: Option<usize>,
    pub(crate) result: SaveResult,
    pub(crate) writes: Writes,
    pub(crate) reopened: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SaveResult {
    Stored,
    Unchanged,
    Dropped,
    Failed(ErrorKind),
    /// The future was dropped, or the save is in progress.
    GivenUp,
}

/// Whether a save that succeeds sets the expiry of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Writes {
    Always,
    /// A rotation that joins another one may write nothing.
    Perhaps,
    /// The session ends.
    Nothing,
}

/// A session as a client or the store sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// The token of the request that started the session, and those of its logins.
    pub(crate) path: Vec<Token>,
    pub(crate) values: BTreeMap<&'static str, u64>,
    pub(crate) marks: Vec<Token>,
    pub(crate) count: u64,
    pub(crate) flashes: Vec<Token>,
    pub(crate) owner: Option<String>,
    pub(crate) handle: Option<String>,
}

impl Snapshot {
    pub(crate) fn last(&self) -> Option<Token> {
        self.path.last().copied()
    }
}

/// The source of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// A request that opened its session.
    Opened,
    /// The session after a save that stored these changes.
    Saved(Vec<usize>),
    /// The record in the store, after the round.
    Record { created_at: SystemTime, expires_at: SystemTime },
}

/// A session as a request or the check after the round saw it.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) request: u64,
    pub(crate) engine: usize,
    pub(crate) start: Tick,
    pub(crate) end: Tick,
    pub(crate) source: Source,
    /// The cookie, as an index of [`History::cookies`]; `None` for one that was forged.
    pub(crate) cookie: Option<usize>,
    /// `None` if there was no session.
    pub(crate) found: Option<Snapshot>,
}

/// A cookie that a response set.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    pub(crate) value: String,
    /// The path of its session, as far as known. It never changes, because a login changes the id.
    pub(crate) path: Option<Vec<Token>>,
    /// The path of the session that an unknown rotation may have moved to it.
    pub(crate) moved_from: Option<Vec<Token>>,
    /// The responses that set it, without those of failed requests.
    pub(crate) set: Vec<SetCookie>,
    pub(crate) delivered: bool,
}

/// A response that set a cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetCookie {
    /// The start of the save.
    pub(crate) start: Tick,
    pub(crate) end: Tick,
}

/// A call about the sessions of an owner.
#[derive(Clone, Debug)]
pub(crate) struct OwnerCall {
    pub(crate) request: u64,
    pub(crate) owner: String,
    pub(crate) kind: OwnerCallKind,
    pub(crate) start: Tick,
    pub(crate) end: Tick,
    /// Whether it returned. If not, some sessions may have ended.
    pub(crate) succeeded: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum OwnerCallKind {
    /// `complete` if it was one call for all sessions.
    Listed {
        handles: Vec<String>,
        complete: bool,
    },
    Ended {
        handle: String,
        found: bool,
    },
    /// All but the session with this handle and path.
    EndedOthers {
        handle: Option<String>,
        path: Vec<Token>,
    },
    EndedAll {
        count: usize,
    },
}

impl OwnerCallKind {
    pub(crate) fn ends(&self) -> bool {
        !matches!(self, Self::Listed { .. })
    }
}

/// A violated guarantee.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) text: String,
    /// The session, by the first token of its path.
    pub(crate) session: Option<Token>,
}

/// The events of a round.
#[derive(Debug, Default)]
pub(crate) struct History {
    tick: Tick,
    pub(crate) observations: Vec<Observation>,
    pub(crate) changes: Vec<Change>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) cookies: Vec<Cookie>,
    cookie_of: HashMap<String, usize>,
    pub(crate) owner_calls: Vec<OwnerCall>,
    /// The requests whose response reached the browser without an error.
    pub(crate) delivered: HashSet<u64>,
    /// The requests whose response left the cookie as it was.
    pub(crate) without_cookie: HashSet<u64>,
    /// The requests whose response set the mark of an unknown rotation.
    pub(crate) unconfirmed: HashSet<u64>,
    /// The requests of which a store call failed, or was slow.
    pub(crate) disturbed: HashSet<u64>,
    /// The system time of an engine from a tick on.
    pub(crate) clocks: Vec<(Tick, usize, SystemTime)>,
    /// Violations that were seen when they happened.
    pub(crate) violations: Vec<Violation>,
    /// The events as text, with the number of their request.
    pub(crate) log: Vec<(u64, String)>,
}

impl History {
    /// Returns the next tick.
    pub(crate) fn tick(&mut self) -> Tick {
        self.tick += 1;
        self.tick
    }

    /// Returns the index of a cookie that a response set.
    pub(crate) fn cookie(&self, value: &str) -> Option<usize> {
        self.cookie_of.get(value).copied()
    }

    /// Returns the index of a cookie, after adding it if it is new.
    pub(crate) fn add_cookie(&mut self, value: &str) -> usize {
        if let Some(index) = self.cookie(value) {
            return index;
        }
        let index = self.cookies.len();
        self.cookie_of.insert(value.to_owned(), index);
        self.cookies.push(Cookie {
            value: value.to_owned(),
            path: None,
            moved_from: None,
            set: Vec::new(),
            delivered: false,
        });
        index
    }

    pub(crate) fn violation(&mut self, rule: &'static str, session: Option<Token>, text: String) {
        self.violations.push(Violation { rule, text, session });
    }

    pub(crate) fn log(&mut self, request: u64, text: impl FnOnce() -> String) {
        let text = format!("{:>5} {}", self.tick, text());
        self.log.push((request, text));
    }

    /// Returns whether the outcome of the first attempt to save a change is unknown.
    pub(crate) fn is_tried_again(&self, change: &Change) -> bool {
        let result = self.attempts[change.attempt].result;
        matches!(result, SaveResult::Failed(_) | SaveResult::GivenUp)
    }

    /// Returns the earliest and the latest system time of an engine between two ticks.
    pub(crate) fn times(&self, engine: usize, start: Tick, end: Tick) -> (SystemTime, SystemTime) {
        let of_engine = self.clocks.iter().filter(|(_, other, _)| *other == engine);
        let mut range: Option<(SystemTime, SystemTime)> = None;
        for (tick, _, time) in of_engine {
            if *tick > end {
                break;
            }
            range = match range {
                Some((low, high)) if *tick > start => Some((low.min(*time), high.max(*time))),
                _ => Some((*time, *time)),
            };
        }
        range.unwrap_or((SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH))
    }
}
