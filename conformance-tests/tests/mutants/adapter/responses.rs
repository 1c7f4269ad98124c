//! Mutants of the rules of the response of the handler.

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    CommitsNoReads breaks change_after_response_fails;
    SavesAndNeverCommits breaks change_after_response_fails;
    VariesAlways breaks response_without_session_is_unchanged;
    GivesEverybodyACookie breaks response_without_session_is_unchanged;
    AnswersOk breaks response_of_handler_reaches_client;
    EmptiesTheBody breaks response_of_handler_reaches_client;
    KeepsOneHeaderOfAName breaks response_of_handler_reaches_client;
    CommitsSuccessOnly breaks response_of_any_status_has_session_headers;
    CommitsNoErrorOfTheClient breaks response_of_any_status_has_session_headers;
    CommitsNoErrorOfTheServer breaks response_of_any_status_has_session_headers;
    SavesBehindTheResponse breaks response_is_sent_after_save;
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
            if !["vary", "set-cookie"].contains(&name.as_str()) {
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
