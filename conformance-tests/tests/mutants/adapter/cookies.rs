//! Mutants of the rules of the cookies of a response.

use std::collections::HashSet;

use session_core::request::SessionHeaders;

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    SetsTheCookieTwice breaks first_write_sets_one_cookie;
    ForgetsFirstVisitors breaks first_write_sets_one_cookie;
    WritesCookiesInSmallLetters breaks next_request_with_cookie_has_session;
    SecureOnlyOverTls breaks cookie_attributes_reach_client;
    ForgetsExpires breaks cookie_attributes_reach_client;
    ForgetsMaxAge breaks cookie_attributes_reach_client;
    ForgetsRemovals breaks removal_cookie_has_attributes_of_cookie;
    RemovesAtTheRoot breaks removal_cookie_has_attributes_of_cookie;
    RemovesFromThisHostOnly breaks removal_cookie_has_attributes_of_cookie;
    RemovesWithoutAnEnd breaks removal_cookie_has_attributes_of_cookie;
    ReplacesOtherCookies breaks cookie_of_handler_is_separate_header;
    KeepsOtherCookiesOnly breaks cookie_of_handler_is_separate_header;
    JoinsCookiesWithAComma breaks cookie_of_handler_is_separate_header;
    KeepsTheLastCookieOfTheHandler breaks cookie_of_handler_is_separate_header;
    KeepsTheFirstCookieAtALogout breaks cookie_of_handler_is_separate_header;
    ReversesCookiesOfTheHandler breaks cookies_of_handler_keep_order;
    SortsCookiesOfTheHandler breaks cookies_of_handler_keep_order;
    KeepsOneCookieOfEachName breaks cookies_of_handler_keep_order;
    ForgetsTheFlashCookie breaks flash_cookie_reaches_client;
    LeavesOtherCookies breaks other_cookies_of_same_name_are_removed;
}

mutation! {
    LeavesOtherCookies;
    fn set_cookies(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        for (name, value) in headers.fields() {
            if name != "set-cookie" {
                self.set_token(visit, value, reply);
            } else if headers.set_cookie() == Some(value) {
                self.set_cookie(visit, value, reply);
            } else if value.contains("_flash=") {
                reply.append(name, value);
            }
        }
    }
}

mutation! {
    SetsTheCookieTwice;
    fn set_cookie(&self, visit: &Visit, header: &str, reply: &mut Reply) {
        reply.append("set-cookie", header);
        if !visit.has_cookies() {
            reply.append("set-cookie", header);
        }
    }
}

mutation! {
    ForgetsFirstVisitors;
    fn set_cookie(&self, visit: &Visit, header: &str, reply: &mut Reply) {
        if visit.has_cookies() {
            reply.append("set-cookie", header);
        }
    }
}

mutation! {
    WritesCookiesInSmallLetters;
    fn set_cookie(&self, visit: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, visit.path() == "/write/blue", |header| {
            let (pair, attributes) = header.split_once(';').unwrap();
            format!("{};{attributes}", pair.to_ascii_lowercase())
        });
    }
}

fn is_removal(header: &str) -> bool {
    header.contains("Max-Age=0")
}

/// Changes the header if `changes` is set.
fn append_changed(
    reply: &mut Reply,
    header: &str,
    changes: bool,
    change: impl FnOnce(&str) -> String,
) {
    reply.append("set-cookie", if changes { change(header) } else { header.to_owned() });
}

mutation! {
    SecureOnlyOverTls;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, !is_removal(header), |header| header.replace("; Secure", ""));
    }
}

mutation! {
    ForgetsExpires;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, !is_removal(header), |header| {
            let parts: Vec<_> = header.split("; ").filter(|part| !part.starts_with("Expires=")).collect();
            parts.join("; ")
        });
    }
}

mutation! {
    ForgetsMaxAge;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, !is_removal(header), |header| {
            let parts: Vec<_> = header.split("; ").filter(|part| !part.starts_with("Max-Age=")).collect();
            parts.join("; ")
        });
    }
}

mutation! {
    ForgetsRemovals;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        if !is_removal(header) {
            reply.append("set-cookie", header);
        }
    }
}

mutation! {
    RemovesAtTheRoot;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, is_removal(header), |header| header.replace("; Path=/shop", "; Path=/"));
    }
}

mutation! {
    RemovesFromThisHostOnly;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, is_removal(header), |header| header.replace("; Domain=shop.example", ""));
    }
}

mutation! {
    RemovesWithoutAnEnd;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        append_changed(reply, header, is_removal(header), |header| header.replace("; Max-Age=0", ""));
    }
}

mutation! {
    ReplacesOtherCookies;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        reply.insert("set-cookie", header);
    }
}

mutation! {
    KeepsOtherCookiesOnly;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        if !reply.has("set-cookie") {
            reply.append("set-cookie", header);
        }
    }
}

mutation! {
    JoinsCookiesWithAComma;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        let joined = reply.values("set-cookie").chain([header]).collect::<Vec<_>>().join(", ");
        reply.insert("set-cookie", joined);
    }
}

/// Keeps one of the two cookies of a handler.
fn keep_one(reply: &mut Reply, chosen: fn(&[String]) -> Option<&String>) {
    let cookies: Vec<_> = reply.values("set-cookie").map(str::to_owned).collect();
    if let (2.., Some(kept)) = (cookies.len(), chosen(&cookies)) {
        reply.insert("set-cookie", kept);
    }
}

mutation! {
    KeepsTheLastCookieOfTheHandler;
    async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
        if visit.path().starts_with("/case/") {
            keep_one(&mut reply, <[String]>::last);
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    KeepsTheFirstCookieAtALogout;
    fn set_cookie(&self, _: &Visit, header: &str, reply: &mut Reply) {
        if is_removal(header) {
            keep_one(reply, <[String]>::first);
        }
        reply.append("set-cookie", header);
    }
}

mutation! {
    ForgetsTheFlashCookie;
    fn set_cookies(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        let is_alone = headers.set_cookie().is_none();
        for (name, value) in headers.fields().filter(|_| !is_alone) {
            if name == "set-cookie" { reply.append(name, value) } else { self.set_token(visit, value, reply) }
        }
        if is_alone {
            headers.fields().filter(|(name, _)| *name != "set-cookie").for_each(|(_, value)| self.set_token(visit, value, reply));
        }
    }
}

/// Adapters that order or collect the cookies of the handler.
macro_rules! rearranges {
    ($($name:ident: $change:expr;)+) => {
        $(mutation! {
            $name;
            async fn after(&self, visit: &Visit, mut reply: Reply) -> Reply {
                let mut cookies: Vec<String> = reply.values("set-cookie").map(str::to_owned).collect();
                let change: fn(&mut Vec<String>) = $change;
                change(&mut cookies);
                reply.remove("set-cookie");
                for cookie in cookies {
                    reply.append("set-cookie", cookie);
                }
                commit(self, visit, reply).await
            }
        })+
    };
}

rearranges! {
    ReversesCookiesOfTheHandler: |cookies| cookies.reverse();
    SortsCookiesOfTheHandler: |cookies| cookies.sort_by_key(|cookie| cookie.ends_with("en; Path=/"));
    KeepsOneCookieOfEachName: |cookies| {
        let mut names = HashSet::new();
        cookies.reverse();
        cookies.retain(|cookie| names.insert(cookie.split('=').next().unwrap().to_owned()));
        cookies.reverse();
    };
}
