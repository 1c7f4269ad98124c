//! Mutants of the rules that compare responses of every kind.

use session_core::request::SessionHeaders;

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    LosesNotesBesideARemoval breaks response_to_every_action_has_session_headers;
    TreatsPartialContentAsPublic breaks response_of_every_method_and_status_has_session_headers;
    LosesTheLogoutOfADelete breaks response_of_every_method_and_status_has_session_headers;
    SetsNoCookieBesideJson breaks response_to_every_action_has_session_headers;
}

mutation! {
    LosesNotesBesideARemoval;
    fn set_cookies(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.set_cookie().is_some_and(|header| header.contains("Max-Age=0")) {
            reply.remove("x-note");
        }
        for (name, value) in headers.fields() {
            if name == "set-cookie" { reply.append(name, value) } else { self.set_token(visit, value, reply) }
        }
    }
}

mutation! {
    TreatsPartialContentAsPublic;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if reply.status == 206 {
            reply.remove("cache-control");
        }
        reply
    }
}

mutation! {
    LosesTheLogoutOfADelete;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if visit.request.method() == "DELETE" && reply.values("set-cookie").any(|header| header.contains("Max-Age=0")) {
            reply.remove("set-cookie");
        }
        reply
    }
}

mutation! {
    SetsNoCookieBesideJson;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        if !reply.values("content-type").any(|kind| kind.contains("json")) {
            reply.append("set-cookie", header);
        }
    }
}
