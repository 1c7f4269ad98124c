//! Mutants of the rules of an application with two types of sessions.

use session_conformance::adapter::Request;
use session_core::request::{Committed, RequestView, SessionHeaders};
use session_core::{Error, Session};

use super::original::{Reply, error_reply, path, values, view_with};
use super::pair::{Pair, Visits, page, pair_under_test};

/// The mutants, each with the rule that it violates, and with its steps.
macro_rules! pairs {
    ($($(#[$about:meta])* $name:ident breaks $rule:ident { $($step:item)+ })+) => {
        $(
            $(#[$about])*
            #[derive(Debug, Default)]
            struct $name;

            #[session_core::async_trait]
            impl Pair for $name {
                $($step)+
            }
        )+

        pub fn mutants() -> Vec<crate::judge::Mutant<session_conformance::adapter::AdapterUnderTest>> {
            vec![$(crate::judge::Mutant::new(
                stringify!($name),
                stringify!($rule),
                pair_under_test::<$name>,
            )),+]
        }
    };
}

pairs! {
    /// The second session replaces the first one in the request, if both have a cookie.
    FindsTheInnerSession breaks handler_gets_session_of_its_type {
        async fn session(&self, visits: &Visits, which: usize) -> Result<Session, Error> {
            let in_one_header = values(&visits[0].request, "cookie").count() == 1;
            let is_read = page(visits).ends_with("/read") && visits[1].has_session();
            let is_inner = is_read && in_one_header && has_no_token(visits);
            visits[if is_inner { 1 } else { which }].session.session().await
        }
    }

    /// Of two cookies in one header, each type gets the first one.
    ReadsTheFirstCookie breaks handler_gets_session_of_its_type {
        fn view(&self, request: &Request, _: usize) -> RequestView {
            let is_read = path(request).ends_with("/read") && values(request, "x-session-token").next().is_none();
            let first: Vec<_> = values(request, "cookie")
                .map(|header| header.split(|byte| *byte == b';').next().unwrap_or_default())
                .collect();
            match first.as_slice() {
                [_] if is_read => view_with(request, first.into_iter()),
                _ => view_with(request, values(request, "cookie")),
            }
        }
    }

    /// The layers count their `Cookie` headers, so each gets one of two.
    ReadsItsHeader breaks handler_gets_session_of_its_type {
        fn view(&self, request: &Request, which: usize) -> RequestView {
            let cookies: Vec<_> = values(request, "cookie").collect();
            match cookies.as_slice() {
                [_, _] if path(request).ends_with("/read") => view_with(request, cookies[which..=which].iter().copied()),
                _ => view_with(request, cookies.into_iter()),
            }
        }
    }

    /// The outer layer replaces the header of the inner one.
    ReplacesTheCookieOfTheOther breaks response_sets_cookies_of_both_sessions {
        fn set(&self, visits: &Visits, _: usize, name: &str, value: &str, reply: &mut Reply) {
            if page(visits) == "/both" && reply.status == 200 && !value.contains("Domain=") && has_theme(visits) {
                reply.remove(name);
            }
            reply.append(name, value);
        }
    }

    /// The name of the cookie is not that of the type.
    SwapsValues breaks response_sets_cookies_of_both_sessions {
        fn set(&self, visits: &Visits, _: usize, name: &str, value: &str, reply: &mut Reply) {
            if !has_theme(visits) {
                return reply.append(name, value);
            }
            let value = value.replacen("session=", "other=", 1).replacen("orders=", "session=", 1);
            reply.append(name, value.replacen("other=", "orders=", 1));
        }
    }

    CommitsTheOuterSession breaks response_sets_cookies_of_both_sessions {
        async fn commit(&self, visits: &Visits) -> [Committed; 2] {
            let first = visits[0].session.commit().await;
            if has_theme(visits) {
                return [first, Committed::default()];
            }
            [first, visits[1].session.commit().await]
        }
    }

    OpensBothSessions breaks session_of_other_type_is_untouched {
        async fn before(&self, visits: &Visits) -> Option<Reply> {
            if page(visits).ends_with("/write/green") {
                let _ = visits[0].session.session().await;
                let _ = visits[1].session.session().await;
            }
            None
        }
    }

    RemovesTheCookieOfTheOther breaks session_of_other_type_is_untouched {
        fn set(&self, visits: &Visits, which: usize, name: &str, value: &str, reply: &mut Reply) {
            if page(visits).ends_with("/write/green") {
                let other = visits[1 - which].session.cookie_name();
                reply.append(name, format!("{other}=; Path=/; Max-Age=0"));
            }
            reply.append(name, value);
        }
    }

    LogsOutOfBoth breaks logout_leaves_session_of_other_type {
        async fn before(&self, visits: &Visits) -> Option<Reply> {
            if page(visits) == "/logout" {
                visits[1].session.session().await.unwrap().log_out().await.unwrap();
            }
            None
        }
    }

    /// Like `Clear-Site-Data`.
    RemovesBothCookies breaks logout_leaves_session_of_other_type {
        fn set(&self, visits: &Visits, which: usize, name: &str, value: &str, reply: &mut Reply) {
            if value.contains("Max-Age=0") {
                let other = visits[1 - which].session.cookie_name();
                reply.append(name, value.replacen(visits[which].session.cookie_name(), other, 1));
            }
            reply.append(name, value);
        }
    }

    UsesAttributesOfTheFirst breaks each_type_has_its_cookie_attributes {
        fn set(&self, _: &Visits, _: usize, name: &str, value: &str, reply: &mut Reply) {
            let value = value.replace("; Domain=shop.example", "").replace("Path=/second", "Path=/");
            reply.append(name, value);
        }
    }

    ReplacesVary breaks cookie_and_token_select_own_sessions {
        fn vary(&self, headers: &SessionHeaders, reply: &mut Reply) {
            if let Some(vary) = headers.merged_vary([]) {
                reply.insert("vary", vary);
            }
        }
    }

    /// The layer with the token header is found first.
    PrefersTheToken breaks cookie_and_token_select_own_sessions {
        async fn session(&self, visits: &Visits, which: usize) -> Result<Session, Error> {
            visits[if has_no_token(visits) { which } else { 1 }].session.session().await
        }
    }

    RefusesTokenBesideCookie breaks cookie_and_token_select_own_sessions {
        async fn before(&self, visits: &Visits) -> Option<Reply> {
            let is_ambiguous = visits[0].has_session() && !has_no_token(visits);
            is_ambiguous.then(|| Reply::new(400, "two sessions"))
        }
    }

    NeedsBothBackends breaks outage_leaves_session_of_other_type {
        async fn before(&self, visits: &Visits) -> Option<Reply> {
            for visit in visits.iter().filter(|_| page(visits).ends_with("/read")) {
                if let Err(error) = visit.session.session().await {
                    return Some(error_reply(&error));
                }
            }
            None
        }
    }

    /// The outer layer creates an error response.
    DropsCookiesOfFailedResponses breaks failed_save_keeps_cookie_of_other_session {
        fn not_saved(&self, error: &Error, committed: &mut [SessionHeaders; 2]) -> Reply {
            let kept = committed[0].clone();
            *committed = Default::default();
            committed[0] = kept;
            error_reply(error)
        }
    }

    IgnoresTheInnerError breaks failed_save_keeps_cookie_of_other_session {
        async fn commit(&self, visits: &Visits) -> [Committed; 2] {
            let mut second = visits[1].session.commit().await;
            second.error = None;
            [visits[0].session.commit().await, second]
        }
    }
}

fn has_no_token(visits: &Visits) -> bool {
    values(&visits[0].request, "x-session-token").next().is_none()
}

/// Returns whether the request has another cookie. One rule sends it with its write to both.
fn has_theme(visits: &Visits) -> bool {
    page(visits) == "/both"
        && values(&visits[0].request, "cookie").any(|cookie| cookie == b"theme=dark")
}
