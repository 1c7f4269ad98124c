//! Mutants of the rules of the response of the handler.

use session_core::Refresh;

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    CommitsNoReads breaks change_after_response_fails;
    SavesAndNeverCommits breaks change_after_response_fails;
    VariesAlways breaks response_without_session_is_unchanged;
    GivesEverybodyACookie breaks response_without_session_is_unchanged;
    ReplacesVaryOfTheUntouched breaks headers_without_session_are_unchanged;
    AllowsNoCacheForTheUntouched breaks headers_without_session_are_unchanged;
    CommitsGetOnly breaks session_is_committed_for_every_method;
    CommitsNoHead breaks session_is_committed_for_every_method;
    CommitsNoRedirects breaks response_of_any_status_has_session_headers;
    CommitsNoNotModified breaks response_of_any_status_has_session_headers;
    CommitsNotTheUnauthorized breaks response_of_any_status_has_session_headers;
    AnswersOk breaks response_of_handler_reaches_client;
    EmptiesTheBody breaks response_of_handler_reaches_client;
    KeepsOneHeaderOfAName breaks response_of_handler_reaches_client;
    CommitsSuccessOnly breaks response_of_any_status_has_session_headers;
    CommitsNoErrorOfTheClient breaks response_of_any_status_has_session_headers;
    CommitsNoErrorOfTheServer breaks response_of_any_status_has_session_headers;
    SavesBehindTheResponse breaks response_is_sent_after_save;
    CommitsNoEmptyBody breaks empty_response_has_session_headers;
    CommitsNoLongBody breaks long_response_has_session_headers;
    CutsALongBody breaks long_response_has_session_headers;
}

mutation! {
    CommitsNoReads;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        if visit.path() == "/read" {
            let session = visit.session.session().await;
            if session.is_ok_and(|session| !session.is_permanent()) {
                reply.append("vary", "Cookie");
                reply.append("cache-control", "private, no-cache");
                return reply;
            }
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    SavesAndNeverCommits;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        if visit.path() == "/write/red" && reply.status == 200 {
            let session = visit.session.session().await.unwrap();
            session.save().await.unwrap();
            reply.append("vary", "Cookie");
            return reply;
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    VariesAlways;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if visit.path() == "/untouched" {
            reply.insert("vary", "Cookie");
        }
        reply
    }
}

mutation! {
    GivesEverybodyACookie;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if visit.path() == "/untouched" && !visit.has_cookies() {
            reply.append("set-cookie", "session=visitor");
        }
        reply
    }
}

mutation! {
    AnswersOk;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if reply.status == 201 {
            reply.status = 200;
        }
        reply
    }
}

mutation! {
    EmptiesTheBody;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        if reply.status == 201 {
            reply.body.clear();
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    KeepsOneHeaderOfAName;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        for (name, value) in reply.headers.clone() {
            if !["vary", "set-cookie", "cache-control", "cdn-cache-control"].contains(&name.as_str()) {
                reply.insert(&name, value);
            }
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    CommitsSuccessOnly;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if reply.status < 300 { commit(self, visit, reply).await } else { reply }
    }
}

mutation! {
    CommitsNoErrorOfTheClient;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if (400..500).contains(&reply.status) { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    CommitsNoErrorOfTheServer;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if reply.status < 500 { commit(self, visit, reply).await } else { reply }
    }
}

mutation! {
    SavesBehindTheResponse;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        if reply.status != 202 {
            return commit(self, visit, reply).await;
        }
        reply.append("vary", "Cookie");
        let session = visit.session.clone();
        tokio::spawn(async move { session.commit().await });
        reply
    }
}

/// Returns whether the handler did not get the session and set headers.
fn is_untouched(visit: &Visit) -> bool {
    visit.path().starts_with("/untouched/")
}

mutation! {
    ReplacesVaryOfTheUntouched;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if is_untouched(visit) && reply.has("vary") {
            let joined = reply.values("vary").collect::<Vec<_>>().join(", ");
            reply.insert("vary", joined);
        }
        reply
    }
}

mutation! {
    AllowsNoCacheForTheUntouched;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if is_untouched(visit) && visit.interface.config().refresh() != Refresh::EachRequest && reply.has("cdn-cache-control") {
            reply.insert("cdn-cache-control", "no-store");
        }
        reply
    }
}

mutation! {
    CommitsGetOnly;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if visit.request.method() == "GET" { commit(self, visit, reply).await } else { reply }
    }
}

mutation! {
    CommitsNoHead;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if visit.request.method() == "HEAD" { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    CommitsNoRedirects;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if [301, 302, 303, 307].contains(&reply.status) { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    CommitsNoNotModified;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if [204, 304].contains(&reply.status) { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    CommitsNotTheUnauthorized;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if [401, 403].contains(&reply.status) { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    CommitsNoLongBody;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if reply.body.len() < 65_536 { commit(self, visit, reply).await } else { reply }
    }
}

mutation! {
    CutsALongBody;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        reply.body.truncate(65_536);
        commit(self, visit, reply).await
    }
}

mutation! {
    CommitsNoEmptyBody;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let is_empty = reply.body.is_empty() && reply.chunks.is_none();
        if is_empty { reply } else { commit(self, visit, reply).await }
    }
}
