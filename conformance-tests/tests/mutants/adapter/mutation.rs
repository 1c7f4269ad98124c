//! A changed adapter: what is not said is as in the original.

use std::sync::Arc;

use conformance_tests::adapter::{AdapterUnderTest, Request, Response, Server, answer, answer_twice};
use session_core::{Error, RequestView, Session, SessionHeaders, SessionInterface, async_trait};
use session_memory::MemorySessions;

use super::original::{Reply, Visit, apply_cache_control, apply_vary, error_reply, values, view_with};

#[async_trait]
pub trait Mutation: Default + Send + Sync + 'static {
    /// What the interface is told of the request.
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie"))
    }

    /// What comes before the handler; a reply takes its place.
    async fn before(&self, _: &Visit) -> Option<Reply> {
        None
    }

    /// What a handler gets that asks for its session, at the first time and at the second.
    async fn session(&self, visit: &Visit, _time: usize) -> Result<Session, Error> {
        visit.session.session().await
    }

    /// What comes after the handler.
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        commit(self, visit, reply).await
    }

    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        reply.append("set-cookie", header);
    }

    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        apply_vary(headers, reply);
    }

    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        apply_cache_control(headers, reply);
    }

    /// The response when a save failed.
    fn not_saved(&self, _: &Visit, error: &Error, _: Reply) -> Reply {
        error_reply(error)
    }

    /// The response when the session could not be opened.
    fn not_opened(&self, error: &Error) -> Reply {
        error_reply(error)
    }
}

pub async fn commit<M: Mutation>(mutation: &M, visit: &Visit, mut reply: Reply) -> Reply {
    match visit.session.commit().await {
        Ok(headers) => {
            mutation.vary(visit, &headers, &mut reply);
            mutation.cache_control(visit, &headers, &mut reply);
            if let Some(header) = headers.set_cookie() {
                mutation.set_cookie(visit, header, &mut reply);
            }
            reply
        }
        Err(error) => mutation.not_saved(visit, &error, reply),
    }
}

/// What is checked, of a mutation.
pub fn under_test<M: Mutation>() -> AdapterUnderTest {
    AdapterUnderTest::new(
        |config| async { MemorySessions::new(config) },
        |interface| async { Mutated { mutation: M::default(), interface } },
    )
}

struct Mutated<M> {
    mutation: M,
    interface: Arc<dyn SessionInterface>,
}

impl<M: Mutation> Mutated<M> {
    async fn handle(&self, visit: &Visit) -> Result<Reply, Error> {
        if visit.path() == "/untouched" {
            return Ok(Reply::new(200, "untouched"));
        }
        let session = self.mutation.session(visit, 1).await?;
        if visit.path() == "/twice" {
            let again = self.mutation.session(visit, 2).await?;
            return Ok(answer_twice(&session, &again).into());
        }
        Ok(answer(&session, visit.path()).into())
    }
}

#[async_trait]
impl<M: Mutation> Server for Mutated<M> {
    async fn call(&self, request: Request) -> Response {
        let view = self.mutation.view(&request);
        let visit = Visit::new(&self.interface, request, view);
        let reply = match self.mutation.before(&visit).await {
            Some(reply) => reply,
            None => self.handle(&visit).await.unwrap_or_else(|error| self.mutation.not_opened(&error)),
        };
        self.mutation.after(&visit, reply).await.into()
    }
}

/// The mutants of a file, each with the rule that it breaks.
macro_rules! mutants {
    ($($mutant:ident breaks $rule:ident;)+) => {
        pub fn mutants() -> Vec<crate::judge::Mutant<conformance_tests::adapter::AdapterUnderTest>> {
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

/// A mutation and perhaps some notes of its own, with the steps that it changes.
macro_rules! mutation {
    ($(#[$about:meta])* $name:ident $({$($note:ident: $type:ty),+ $(,)?})?; $($step:item)+) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        struct $name {
            $($($note: $type),+)?
        }

        #[async_trait]
        impl crate::adapter::mutation::Mutation for $name {
            $($step)+
        }
    };
}

pub(crate) use {mutants, mutation};
