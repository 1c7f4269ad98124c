//! Mutants of the rules of renewals.

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    RenewsByWritesOnly breaks read_renews_permanent_session;
    LeavesTheUntouchedAlone breaks each_request_renews_if_configured;
    NotesNoCacheControl breaks public_response_without_session_renews_nothing;
}

mutation! {
    RenewsByWritesOnly;
    fn set_cookie(&self, visit: &Visit, header: &str, reply: &mut Reply) {
        if visit.path() != "/read" {
            reply.append("set-cookie", header);
        }
    }
}

mutation! {
    LeavesTheUntouchedAlone;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if visit.path() == "/untouched" { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    NotesNoCacheControl;
    fn note_cache_control(&self, _: &Visit, _: &Reply) {}
}
