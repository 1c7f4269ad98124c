//! What one key does when calls on it come one after the other.

use stateright::semantics::SequentialSpec;

/// A call on the key. Expiries are in seconds since the history began.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Load,
    Create { payload: String, expires: u64 },
    Replace { expected: u64, payload: String, expires: u64 },
    Touch { expected: u64, expires: u64 },
    Remove { expected: u64 },
}

impl Call {
    /// Whether it acts on this version only.
    pub(super) fn expects(&self, version: u64) -> bool {
        match self {
            Self::Load | Self::Create { .. } => false,
            Self::Replace { expected, .. } | Self::Touch { expected, .. } | Self::Remove { expected } => {
                *expected == version
            }
        }
    }
}

/// What it brought. A create that was refused and a replace that was stale have no version.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Loaded(Option<Seen>),
    Written(Option<u64>),
    Done(bool),
}

/// A record that was loaded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) version: u64,
    pub(super) payload: String,
    pub(super) expires: u64,
}

/// The key: empty, or a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    record: Option<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    version: u64,
    /// A touch may have changed the version, and nobody has seen yet to what.
    touched: bool,
    payload: String,
    expires: u64,
}

impl SequentialSpec for Model {
    type Op = Call;
    type Ret = Answer;

    /// Versions are the store's to choose, so an answer can be judged but not foretold. Nothing asks: every call in a history
    /// was answered.
    fn invoke(&mut self, _: &Call) -> Answer {
        Answer::Done(false)
    }

    fn is_valid_step(&mut self, call: &Call, answer: &Answer) -> bool {
        match (call, answer) {
            (Call::Load, Answer::Loaded(seen)) => self.loads(seen.as_ref()),
            (Call::Create { payload, expires }, Answer::Written(version)) => match (&self.record, version) {
                (None, Some(version)) => self.hold(*version, payload, *expires),
                (Some(_), None) => true,
                _ => false,
            },
            (Call::Replace { expected, payload, expires }, Answer::Written(version)) => match version {
                Some(version) => self.may_match(*expected) && self.hold(*version, payload, *expires),
                None => !self.must_match(*expected),
            },
            (Call::Touch { expected, expires }, Answer::Done(done)) => match (&mut self.record, done) {
                (Some(held), true) if held.version == *expected => {
                    (held.touched, held.expires) = (true, *expires);
                    true
                }
                (_, true) => false,
                (_, false) => !self.must_match(*expected),
            },
            (Call::Remove { expected }, Answer::Done(done)) => {
                let right = if *done { self.may_match(*expected) } else { !self.must_match(*expected) };
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
