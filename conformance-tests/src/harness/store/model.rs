//! The results of sequential calls on one key.

use stateright::semantics::SequentialSpec;

/// A call on the key. Expiries are in seconds since the start of the history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Load,
    Create { payload: String, expires: u64 },
    Replace { expected: u64, payload: String, expires: u64 },
    Touch { expected: u64, expires: u64 },
    Remove { expected: u64 },
}

impl Call {
    /// Returns whether the call is conditional on this version.
    pub(crate) fn expects(&self, version: u64) -> bool {
        match self {
            Self::Load | Self::Create { .. } => false,
            Self::Replace { expected, .. }
            | Self::Touch { expected, .. }
            | Self::Remove { expected } => *expected == version,
        }
    }
}

/// The result of a call. A rejected create and a stale replace have no version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CallResult {
    Loaded(Option<Seen>),
    Written(Option<u64>),
    Done(bool),
}

/// A record that was loaded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) version: u64,
    pub(crate) payload: String,
    pub(crate) expires: u64,
}

/// The state of the key: empty, or a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    record: Option<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    version: u64,
    /// Whether a touch may have changed the version, and no call has returned the new version
    /// since.
    touched: bool,
    payload: String,
    expires: u64,
}

impl SequentialSpec for Model {
    type Op = Call;
    type Ret = CallResult;

    /// The store chooses the versions, so a result can be checked but not computed. This method is
    /// never called, because every call in a history has a result.
    fn invoke(&mut self, _: &Call) -> CallResult {
        CallResult::Done(false)
    }

    fn is_valid_step(&mut self, call: &Call, result: &CallResult) -> bool {
        match (call, result) {
            (Call::Load, CallResult::Loaded(seen)) => self.loads(seen.as_ref()),
            (Call::Create { payload, expires }, CallResult::Written(version)) => {
                match (&self.record, version) {
                    (None, Some(version)) => self.hold(*version, payload, *expires),
                    (Some(_), None) => true,
                    _ => false,
                }
            }
            (Call::Replace { expected, payload, expires }, CallResult::Written(version)) => {
                match version {
                    Some(version) => {
                        self.may_match(*expected) && self.hold(*version, payload, *expires)
                    }
                    None => !self.must_match(*expected),
                }
            }
            (Call::Touch { expected, expires }, CallResult::Done(done)) => {
                match (&mut self.record, done) {
                    (Some(held), true) if held.version == *expected => {
                        (held.touched, held.expires) = (true, *expires);
                        true
                    }
                    (_, true) => false,
                    (_, false) => !self.must_match(*expected),
                }
            }
            (Call::Remove { expected }, CallResult::Done(done)) => {
                let right =
                    if *done { self.may_match(*expected) } else { !self.must_match(*expected) };
                if *done {
                    self.record = None;
                }
                right
            }
            _ => false,
        }
    }
}

impl Model {
    fn hold(&mut self, version: u64, payload: &str, expires: u64) -> bool {
        self.record = Some(Held { version, touched: false, payload: payload.to_owned(), expires });
        true
    }

    fn loads(&mut self, seen: Option<&Seen>) -> bool {
        match (&mut self.record, seen) {
            (None, None) => true,
            (Some(held), Some(seen)) => {
                let same = held.payload == seen.payload && held.expires == seen.expires;
                let version = held.touched || held.version == seen.version;
                (held.version, held.touched) = (seen.version, false);
                same && version
            }
            _ => false,
        }
    }

    fn may_match(&self, expected: u64) -> bool {
        self.record.as_ref().is_some_and(|held| held.version == expected)
    }

    fn must_match(&self, expected: u64) -> bool {
        self.record.as_ref().is_some_and(|held| held.version == expected && !held.touched)
    }
}
