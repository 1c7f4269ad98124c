//! A changed adapter. The default of each step is that of the original.

use std::sync::Arc;

use session_conformance::adapter::{
    AdapterUnderTest, Request, Response, Server, respond, respond_twice, respond_untouched,
};
use session_core::request::{Committed, RequestView, SessionHeaders};
use session_core::{Error, Session, SessionInterface, async_trait};

use super::original::{
    Reply, TOKEN, Unchanged, Visit, apply_cache_control, apply_targeted_cache_control, apply_vary,
    error_reply, values, view_with,
};
use super::pair::with_pair;

#[async_trait]
pub trait Mutation: Default + Send + Sync + 'static {
    /// Returns the view of the request for the interface.
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie"))
    }

    /// Runs before the handler. A reply replaces that of the handler.
    async fn before(&self, _: &Visit) -> Option<Reply> {
        None
    }

    /// Returns the session for a handler, the first time and the second time.
    async fn session(&self, visit: &Visit, _time: usize) -> Result<Session, Error> {
        visit.session.session().await
    }

    /// Runs after the handler.
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        commit(self, visit, reply).await
    }

    /// Tells the session whether the response is public.
    fn note_cache_control(&self, visit: &Visit, reply: &Reply) {
        visit.session.note_cache_control(reply.values("cache-control").map(str::as_bytes));
    }

    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        reply.append("set-cookie", header);
    }

    fn set_cookies(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        for (name, value) in headers.fields() {
            if name != "set-cookie" {
                self.set_token(visit, value, reply);
            } else if headers.set_cookie() == Some(value) {
                self.set_cookie(visit, value, reply);
            } else {
                reply.append("set-cookie", value);
            }
        }
    }

    fn set_token(&self, _: &Visit, token: &str, reply: &mut Reply) {
        reply.append(TOKEN, token);
    }

    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        apply_vary(headers, reply);
    }

    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        apply_cache_control(headers, reply);
    }

    fn targeted_cache_control(&self, headers: &SessionHeaders, reply: &mut Reply) {
        apply_targeted_cache_control(headers, reply);
    }

    /// Returns the response to a failed save.
    fn not_saved(&self, _: &Visit, error: &Error, _: Reply) -> Reply {
        error_reply(error)
    }

    /// Returns the response to a failed open.
    fn not_opened(&self, error: &Error) -> Reply {
        error_reply(error)
    }
}

pub async fn commit<M: Mutation>(mutation: &M, visit: &Visit, reply: Reply) -> Reply {
    mutation.note_cache_control(visit, &reply);
    let Committed { headers, error } = visit.session.commit().await;
    let mut reply = match error {
        Some(error) => mutation.not_saved(visit, &error, reply),
        None => reply,
    };
    mutation.vary(visit, &headers, &mut reply);
    mutation.cache_control(visit, &headers, &mut reply);
    mutation.targeted_cache_control(&headers, &mut reply);
    mutation.set_cookies(visit, &headers, &mut reply);
    reply
}

/// Returns the adapter with this mutation, under test.
pub fn under_test<M: Mutation>() -> AdapterUnderTest {
    with_pair::<M, Unchanged>()
}

pub struct Mutated<M> {
    mutation: M,
    interface: Arc<dyn SessionInterface>,
}

impl<M: Mutation> Mutated<M> {
    pub fn new(interface: Arc<dyn SessionInterface>) -> Self {
        Self { mutation: M::default(), interface }
    }

    async fn handle(&self, visit: &Visit) -> Result<Reply, Error> {
        if visit.path().starts_with("/untouched") {
            return Ok(respond_untouched(visit.path()).into());
        }
        let session = self.mutation.session(visit, 1).await?;
        if visit.path() == "/twice" {
            let again = self.mutation.session(visit, 2).await?;
            return Ok(respond_twice(&session, &again).await.into());
        }
        let response = respond(&session, visit.path()).await;
        let chunks = visit.path().starts_with("/streamed").then(|| response.chunks());
        Ok(Reply { chunks, ..response.into() })
    }
}

#[async_trait]
impl<M: Mutation> Server for Mutated<M> {
    async fn call(&self, request: Request) -> Response {
        let view = self.mutation.view(&request);
        let visit = Visit::new(&self.interface, request, view);
        let reply = match self.mutation.before(&visit).await {
            Some(reply) => reply,
            None => {
                self.handle(&visit).await.unwrap_or_else(|error| self.mutation.not_opened(&error))
            }
        };
        let mut reply = self.mutation.after(&visit, reply).await;
        reply.collect();
        reply.into()
    }
}

/// The mutants of a file, each with the rule that it violates.
macro_rules! mutants {
    ($($mutant:ident breaks $rule:ident;)+) => {
        pub fn mutants() -> Vec<crate::judge::Mutant<session_conformance::adapter::AdapterUnderTest>> {
            vec![$(
                crate::judge::Mutant::new(
                    stringify!($mutant),
                    stringify!($rule),
                    crate::adapter::mutation::under_test::<$mutant>,
                )
            ),+]
        }
    };
}

/// A mutation with these steps, and perhaps with fields.
macro_rules! mutation {
    ($(#[$about:meta])* $name:ident $({$($note:ident: $type:ty),+ $(,)?})?; $($step:item)+) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        struct $name {
            $($($note: $type),+)?
        }

        #[session_core::async_trait]
        impl crate::adapter::mutation::Mutation for $name {
            $($step)+
        }
    };
}

pub(crate) use {mutants, mutation};
