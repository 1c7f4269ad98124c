//! Rules of the end of all sessions of an owner.

use std::sync::Arc;

use session_core::interface::state_of;
use session_core::request::RequestSession;
use session_core::store::OwnerIndex;
use session_core::{Error, OwnerSessions as _, ServerSideSessions, Session, SessionInterface};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::overlap::Held;
use crate::harness::store::process::{Process, finish};
use crate::harness::store::values::someone;
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const END_ALL, macro __store_end_all, for StoreUnderTest;

    /// `ServerSideSessions::end_all` ends every session of an owner, including changed and rotated
    /// sessions. A request that opened a session before `end_all` and saves afterwards does not
    /// revive the session. Sessions of other owners are not ended.
    ///
    /// The engine needs a `keys_of` that lists every key whose record has the owner, and a `remove`
    /// after which `replace` returns `Stale`.
    async fn end_all_ends_every_session_of_owner(store) {
        let (ada, bob) = (someone("ada"), someone("bob"));
        let mut cookies = Vec::new();
        for _ in 0..4 {
            cookies.push(begin(store, &ada).await?);
        }
        let other = begin(store, &bob).await?;
        let site = Site::new(store)?;
        let long = "x".repeat(300);
        site.process.visit(&cookies[1], |session| session.insert("changed", &long)).await?;
        let renamed = site.process.visit(&cookies[2], Session::rotate_id).await?;
        let late = site.opened(&cookies[3], |session| session.insert("late", &long)).await?;
        site.end_all(&ada).await?;
        site.process.told(late.commit().await.into_result())?;
        store.calls().note("ada has 4 sessions: one new, one changed, one with a new id, one that a request has opened");
        store.calls().note("end_all(ada); the request saves; each of the sessions is opened");
        let names = ["the new one", "the changed one", "the one under its old id", "the one that was open"];
        let all = names.into_iter().zip(&cookies).chain(renamed.iter().map(|cookie| ("the one under its new id", cookie)));
        let mut left = Vec::new();
        for (name, cookie) in all {
            if !site.process.read(cookie).await?.is_empty() {
                left.push(name);
            }
        }
        store.equal(Vec::new(), left)?;
        store.calls().note("a session of bob is opened");
        store.equal(true, !site.process.read(&other).await?.is_empty())
    }

    /// A request that saves or rotates a session during an `end_all` does not revive the session.
    ///
    /// The engine relies on the order of the calls on one key. If `replace` is first, `remove`
    /// returns `false`, and the engine repeats the call at the newer version. If `remove` is first,
    /// `replace` returns `Stale`.
    async fn end_all_during_save_is_final(store) {
        for round in 0..ROUNDS {
            let (ada, changes) = (someone("ada"), round % 2 == 0);
            let mut cookies = vec![begin(store, &ada).await?];
            let held: Arc<dyn OwnerIndex> =
                Arc::new(Held::new(store.store(), Some(store.index()?)));
            let site = Site::over(store, &held);
            let act = |session: &Session| if changes { session.insert("changed", true) } else { session.rotate_id() };
            let request = site.opened(&cookies[0], act).await?;
            let elsewhere = Site::over(store, &held);
            let ending = tokio::spawn(async move { elsewhere.end_all(&ada).await });
            let headers = site.process.told(request.commit().await.into_result())?;
            cookies.extend(headers.set_cookie().and_then(|header| header.split(';').next()).map(str::to_owned));
            finish(store, vec![ending]).await?;
            let deed = if changes { "changes" } else { "rotates" };
            store.calls().note(format!("a request opens a session and {deed} it; the request saves while end_all(its owner) runs"));
            for cookie in cookies {
                let seen = site.process.read(&cookie).await?;
                store.equal("{}".to_owned(), state_of(&seen).payload())?;
            }
        }
        Ok(())
    }
}

const ROUNDS: u32 = 12;

/// A separate engine, with the methods that need an index.
struct Site {
    process: Process,
    sessions: Arc<ServerSideSessions<Arc<dyn OwnerIndex>>>,
}

impl Site {
    fn new(store: &StoreUnderTest) -> Result<Self, Failure> {
        Ok(Self::over(store, &store.index()?))
    }

    fn over(store: &StoreUnderTest, index: &Arc<dyn OwnerIndex>) -> Self {
        let sessions = Arc::new(ServerSideSessions::new(Arc::clone(index), store.session_config()));
        let process = Process::over(store, Arc::clone(&sessions) as Arc<dyn SessionInterface>);
        Self { process, sessions }
    }

    async fn end_all(&self, owner: &str) -> Checked {
        self.process.told(self.sessions.end_all(owner).await).map(|_| ())
    }

    /// Returns a request that has opened and changed the session, and has not saved it yet.
    async fn opened(
        &self,
        cookie: &str,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<RequestSession, Failure> {
        let request = self.process.request(cookie);
        let session = self.process.told(request.session().await)?;
        self.process.told(act(&session))?;
        Ok(request)
    }
}

/// Creates a session of an owner with about 300 bytes, and returns its cookie.
async fn begin(store: &StoreUnderTest, owner: &str) -> Result<String, Failure> {
    let process = Site::new(store)?.process;
    let request = process.request("");
    let session = process.told(request.session().await)?;
    process.told(session.insert("name", "Ada Lovelace ".repeat(23)))?;
    process.told(session.log_in(owner, None).await)?;
    let headers = process.told(request.commit().await.into_result())?;
    let cookie =
        headers.set_cookie().and_then(|header| header.split(';').next()).map(str::to_owned);
    cookie.ok_or_else(|| store.failure("a cookie for a new session", "none"))
}
