//! Two calls on one key that overlap at each `await` of the first call.

use std::sync::Arc;

use session_core::store::SessionStore;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::history::Clients;
use crate::harness::store::model::Call;
use crate::harness::store::overlap::overlap;
use crate::harness::store::values::whole_second;
use crate::report::Checked;

/// The number of polls of the first call before the second call starts.
const POLLS: [u32; 4] = [1, 2, 3, 6];

/// The kinds of calls.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Load,
    Create,
    Replace,
    Touch,
    Remove,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Load, Self::Create, Self::Replace, Self::Touch, Self::Remove];

    fn call(self, client: u8, expected: u64) -> Call {
        let (payload, expires) = (format!("{client}.0"), 3600 + 60 * u64::from(client));
        match self {
            Self::Load => Call::Load,
            Self::Create => Call::Create { payload, expires },
            Self::Replace => Call::Replace { expected, payload, expires },
            Self::Touch => Call::Touch { expected, expires },
            Self::Remove => Call::Remove { expected },
        }
    }
}

/// The overlaps of two calls.
pub(crate) struct Overlaps<'a> {
    pub(crate) store: &'a StoreUnderTest,
    /// The store of the second call. It has the same data as `store`.
    pub(crate) other: Arc<dyn SessionStore>,
    /// Whether the records have owners.
    pub(crate) owned: bool,
}

impl Overlaps<'_> {
    /// Makes every pair of calls on a key with a record. Pairs of loads and creates are also made
    /// on a key without a record.
    pub(crate) async fn check(&self) -> Checked {
        for polls in POLLS {
            for first in Kind::ALL {
                for second in Kind::ALL {
                    self.overlap([first, second], polls, true).await?;
                    let needs_none = |kind| matches!(kind, Kind::Load | Kind::Create);
                    if needs_none(first) && needs_none(second) {
                        self.overlap([first, second], polls, false).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn overlap(&self, [first, second]: [Kind; 2], polls: u32, exists: bool) -> Checked {
        let (store, key) = (self.store, self.store.key());
        let stores = [Arc::clone(&self.other), store.store()];
        let clients = Clients::new(stores, [key, key], whole_second(store.now())).owned(self.owned);
        let version = if exists { clients.first(&key).await? } else { 0 };
        let (one, other) = (first.call(1, version), second.call(2, version));
        let (one, other) =
            overlap(clients.make(1, key, one), clients.make(2, key, other), polls).await;
        one?;
        other?;
        clients.make(3, key, Call::Load).await?;
        match clients.history().explain(&key) {
            Some(failing) => Err(failing.failure(&store.name(&key))),
            None => Ok(()),
        }
    }
}
