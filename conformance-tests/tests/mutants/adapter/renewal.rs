//! Mutants of the rules of renewals.

use session_core::Refresh;

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    RenewsByWritesOnly breaks read_renews_permanent_session;
    LeavesTheUntouchedAlone breaks each_request_renews_if_configured;
    NotesNoCacheControl breaks public_response_without_session_renews_nothing;
    NotesTheFirstCacheControl breaks public_response_without_session_renews_nothing;
    RenewsNoErrors breaks each_request_renews_whatever_its_status;
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

mutation! {
    NotesTheFirstCacheControl;
    fn note_cache_control(&self, visit: &Visit, reply: &Reply) {
        visit.session.note_cache_control(reply.values("cache-control").take(1).map(str::as_bytes));
    }
}

mutation! {
    RenewsNoErrors;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let is_untouched = visit.path().starts_with("/untouched") && reply.status >= 400;
        if is_untouched && visit.interface.config().refresh() == Refresh::EachRequest {
            return reply;
        }
        commit(self, visit, reply).await
    }
}
