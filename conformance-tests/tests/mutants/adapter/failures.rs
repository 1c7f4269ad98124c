//! Mutants of the rules of errors of the backend.

use session_core::interface::Opened;
use session_core::request::SessionHeaders;
use session_core::{Error, ErrorKind, Refresh, Session};

use super::mutation::{mutants, mutation};
use super::original::{ERROR, Reply, Visit, apply_cache_control, apply_vary, error_reply};

mutants! {
    ReportsSuccess breaks failed_save_is_error_response;
    KeepsTheBody breaks failed_save_is_error_response;
    KeepsTheHeaders breaks failed_save_is_error_response;
    KeepsTheCookies breaks failed_save_is_error_response;
    ErrorsDoNotVary breaks error_response_varies_by_cookie;
    AnswersEveryFailedSaveAlike breaks outage_at_save_is_503;
    TakesEveryErrorForAnOutage breaks other_failed_save_is_500;
    TakesConflictsForAnOutage breaks other_failed_save_is_500;
    OnlyVariesInAnError breaks error_response_has_cookie_of_earlier_save;
    LetsAnErrorWithACookieBeStored breaks error_response_has_cookie_of_earlier_save;
    AnswersEveryFailedOpenAlike breaks failed_open_is_error_before_handler;
    IsEmptyInAnOutage breaks failed_open_is_error_before_handler;
    IsEmptyWhenTheBackendFails breaks failed_open_is_error_before_handler;
    ShowsTheErrorOfTheOpen breaks error_response_hides_error_text;
    ShowsTheErrorOfTheSave breaks error_response_hides_error_text;
    TakesEveryFailedOpenForAnOutage breaks other_failed_open_is_not_503;
    TakesConflictsAtOpenForAnOutage breaks other_failed_open_is_not_503;
    RefusesWhatItCannotRenew breaks outage_leaves_requests_without_session_alone;
    ReportsSuccessOfTheSecond breaks failed_save_is_error_response;
}

/// Returns the error response, with a part of the handler's reply if the backend failed.
fn kept(error: &Error, keep: impl FnOnce(&mut Reply)) -> Reply {
    let mut refusal = error_reply(error);
    if error.kind() == ErrorKind::Backend {
        keep(&mut refusal);
    }
    refusal
}

mutation! {
    ReportsSuccess;
    fn not_saved(&self, visit: &Visit, error: &Error, reply: Reply) -> Reply {
        if visit.has_cookies() || error.kind() == ErrorKind::Unavailable { error_reply(error) } else { reply }
    }
}

mutation! {
    KeepsTheBody;
    fn not_saved(&self, _: &Visit, error: &Error, reply: Reply) -> Reply {
        kept(error, |refusal| refusal.body = reply.body)
    }
}

mutation! {
    KeepsTheHeaders;
    fn not_saved(&self, _: &Visit, error: &Error, reply: Reply) -> Reply {
        kept(error, |refusal| refusal.headers = reply.headers)
    }
}

mutation! {
    KeepsTheCookies;
    fn not_saved(&self, _: &Visit, error: &Error, reply: Reply) -> Reply {
        kept(error, |refusal| reply.values("set-cookie").for_each(|cookie| refusal.append("set-cookie", cookie)))
    }
}

mutation! {
    ErrorsDoNotVary;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if reply.status < 500 || reply.body != ERROR {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    AnswersEveryFailedSaveAlike;
    fn not_saved(&self, _: &Visit, _: &Error, _: Reply) -> Reply {
        Reply::new(500, ERROR)
    }
}

mutation! {
    AnswersEveryFailedOpenAlike;
    fn not_opened(&self, error: &Error) -> Reply {
        let is_server = error.kind() != ErrorKind::AmbiguousToken;
        if is_server { Reply::new(500, ERROR) } else { error_reply(error) }
    }
}

mutation! {
    IsEmptyInAnOutage;
    async fn session(&self, visit: &Visit, _: usize) -> Result<Session, Error> {
        match visit.session.session().await {
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(Opened::new().into_session()),
            session => session,
        }
    }
}

mutation! {
    IsEmptyWhenTheBackendFails;
    async fn session(&self, visit: &Visit, _: usize) -> Result<Session, Error> {
        match visit.session.session().await {
            Err(error) if error.kind() == ErrorKind::Backend => Ok(Opened::new().into_session()),
            session => session,
        }
    }
}

mutation! {
    ShowsTheErrorOfTheOpen;
    fn not_opened(&self, error: &Error) -> Reply {
        Reply { body: error.to_string(), ..error_reply(error) }
    }
}

mutation! {
    ShowsTheErrorOfTheSave;
    fn not_saved(&self, _: &Visit, error: &Error, _: Reply) -> Reply {
        Reply { body: error.to_string(), ..error_reply(error) }
    }
}

mutation! {
    RefusesWhatItCannotRenew;
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        let renews = visit.interface.config().refresh() == Refresh::EachRequest;
        if !renews || visit.path() != "/untouched" || !visit.has_session() {
            return None;
        }
        visit.session.session().await.err().map(|error| error_reply(&error))
    }
}

mutation! {
    TakesEveryErrorForAnOutage;
    fn not_saved(&self, _: &Visit, _: &Error, _: Reply) -> Reply {
        Reply::new(503, ERROR)
    }
}

mutation! {
    TakesConflictsForAnOutage;
    fn not_saved(&self, _: &Visit, error: &Error, _: Reply) -> Reply {
        if error.kind() == ErrorKind::Conflict { Reply::new(503, ERROR) } else { error_reply(error) }
    }
}

mutation! {
    OnlyVariesInAnError;
    fn set_cookies(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if reply.body == ERROR {
            return;
        }
        for (name, value) in headers.fields() {
            if name == "set-cookie" { reply.append(name, value) } else { self.set_token(visit, value, reply) }
        }
    }
}

mutation! {
    LetsAnErrorWithACookieBeStored;
    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if reply.body != ERROR {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    ReportsSuccessOfTheSecond;
    fn not_saved(&self, visit: &Visit, error: &Error, reply: Reply) -> Reply {
        if visit.path() == "/twice" { reply } else { error_reply(error) }
    }
}

mutation! {
    TakesEveryFailedOpenForAnOutage;
    fn not_opened(&self, error: &Error) -> Reply {
        if error.kind() == ErrorKind::Backend { Reply::new(503, ERROR) } else { error_reply(error) }
    }
}

mutation! {
    TakesConflictsAtOpenForAnOutage;
    fn not_opened(&self, error: &Error) -> Reply {
        if error.kind() == ErrorKind::Conflict { Reply::new(503, ERROR) } else { error_reply(error) }
    }
}
