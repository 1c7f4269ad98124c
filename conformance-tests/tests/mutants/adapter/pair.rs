//! An adapter with two types of sessions, in steps that a mutant overrides.

use std::sync::Arc;

use session_conformance::adapter::{
    AdapterUnderTest, Request, Response, Server, respond, respond_both,
};
use session_core::request::{Committed, RequestView, SessionHeaders};
use session_core::{Error, Session, SessionInterface, async_trait};
use session_memory::{MemorySessions, MemoryStore};

use super::mutation::{Mutated, Mutation};
use super::original::{
    Reply, TOKEN, Unchanged, Visit, apply_cache_control, apply_vary, error_reply, path, values,
    view_with,
};

/// A request with the sessions of both types.
pub type Visits = [Visit; 2];

/// The default of each step is that of the original.
#[async_trait]
pub trait Pair: Default + Send + Sync + 'static {
    /// Returns the view of the request for the interface of this type.
    fn view(&self, request: &Request, _which: usize) -> RequestView {
        view_with(request, values(request, "cookie"))
    }

    /// Runs before the handler. A reply replaces that of the handler.
    async fn before(&self, _: &Visits) -> Option<Reply> {
        None
    }

    /// Returns the session of this type for a handler.
    async fn session(&self, visits: &Visits, which: usize) -> Result<Session, Error> {
        visits[which].session.session().await
    }

    /// Commits both sessions, the inner one first.
    async fn commit(&self, visits: &Visits) -> [Committed; 2] {
        let second = visits[1].session.commit().await;
        [visits[0].session.commit().await, second]
    }

    /// Returns the response to a failed save.
    fn not_saved(&self, error: &Error, _committed: &mut [SessionHeaders; 2]) -> Reply {
        error_reply(error)
    }

    fn vary(&self, headers: &SessionHeaders, reply: &mut Reply) {
        apply_vary(headers, reply);
    }

    /// Adds the header of the cookie or the token of this type.
    fn set(&self, visits: &Visits, _which: usize, name: &str, value: &str, reply: &mut Reply) {
        let _ = visits;
        reply.append(name, value);
    }
}

impl Pair for Unchanged {}

/// Returns the adapter with this change of an application with two types of sessions.
pub fn pair_under_test<P: Pair>() -> AdapterUnderTest {
    with_pair::<Unchanged, P>()
}

pub fn with_pair<M: Mutation, P: Pair>() -> AdapterUnderTest {
    let adapter = AdapterUnderTest::new(
        |config| async { MemorySessions::new(MemoryStore::new(), config) },
        |interface| async { Mutated::<M>::new(interface) },
    );
    adapter.with_two_sessions(|first, second| async {
        PairServer { pair: P::default(), interfaces: [first, second] }
    })
}

struct PairServer<P> {
    pair: P,
    interfaces: [Arc<dyn SessionInterface>; 2],
}

impl<P: Pair> PairServer<P> {
    async fn handle(&self, visits: &Visits) -> Result<Reply, Error> {
        let path = visits[0].path();
        if path == "/both" {
            let first = self.pair.session(visits, 0).await?;
            let second = self.pair.session(visits, 1).await?;
            return Ok(respond_both(&first, &second).await.into());
        }
        let which = usize::from(path.starts_with("/second/"));
        let session = self.pair.session(visits, which).await?;
        Ok(respond(&session, path).await.into())
    }

    async fn finish(&self, visits: &Visits, mut reply: Reply) -> Reply {
        let mut error = None;
        let mut headers = self.pair.commit(visits).await.map(|committed| {
            error = error.take().or(committed.error);
            committed.headers
        });
        if let Some(error) = error {
            reply = self.pair.not_saved(&error, &mut headers);
        }
        for (which, headers) in headers.iter().enumerate() {
            self.pair.vary(headers, &mut reply);
            apply_cache_control(headers, &mut reply);
            for (name, value) in headers.fields() {
                let name = if name == "set-cookie" { name } else { TOKEN };
                self.pair.set(visits, which, name, value, &mut reply);
            }
        }
        reply
    }
}

#[async_trait]
impl<P: Pair> Server for PairServer<P> {
    async fn call(&self, request: Request) -> Response {
        let visits = [0, 1].map(|which| {
            let view = self.pair.view(&request, which);
            Visit::new(&self.interfaces[which], request.clone(), view)
        });
        let reply = match self.pair.before(&visits).await {
            Some(reply) => reply,
            None => self.handle(&visits).await.unwrap_or_else(|error| error_reply(&error)),
        };
        self.finish(&visits, reply).await.into()
    }
}

/// Returns the path of a request.
pub fn page(visits: &Visits) -> &str {
    path(&visits[0].request)
}
