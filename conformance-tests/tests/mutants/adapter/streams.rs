//! Mutants of the rules of streamed bodies.

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    CommitsAfterTheStream breaks session_is_committed_before_streamed_body;
    CommitsAfterTheFirstChunks breaks session_is_committed_before_streamed_body;
    CommitsNoStream breaks session_is_committed_before_streamed_body;
    EndsTheStreamAtAnError breaks session_is_committed_before_streamed_body;
    ForgetsTheCookieOfAStream breaks session_is_committed_before_streamed_body;
}

mutation! {
    CommitsAfterTheStream;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        reply.collect();
        commit(self, visit, reply).await
    }
}

mutation! {
    /// The first chunks wait in a buffer.
    CommitsAfterTheFirstChunks;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        let mut buffer = String::new();
        if let Some(chunks) = &mut reply.chunks {
            buffer.extend(chunks.take(2));
        }
        let mut reply = commit(self, visit, reply).await;
        if !buffer.is_empty() {
            reply.collect();
            reply.body.insert_str(0, &buffer);
        }
        reply
    }
}

mutation! {
    CommitsNoStream;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        if reply.chunks.is_some() {
            reply.append("vary", "Cookie");
            return reply;
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    EndsTheStreamAtAnError;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        reply.collect();
        reply.body.truncate(reply.body.find(';').unwrap_or(reply.body.len()));
        reply
    }
}

mutation! {
    /// The cookie is a trailer.
    ForgetsTheCookieOfAStream;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let is_streamed = reply.chunks.is_some();
        let mut reply = commit(self, visit, reply).await;
        if is_streamed {
            reply.remove("set-cookie");
        }
        reply
    }
}
