//! Mutants of the rules of cookies.

use session_conformance::adapter::Request;
use session_core::request::{RequestView, SessionHeaders};

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit, values, view_with};

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
    ForgetsTheFlashCookie breaks flash_cookie_reaches_client;
    ReadsHeadersUntilOneIsNoText breaks malformed_cookie_hides_no_session;
    ReadsNoHeaderIfOneIsEmpty breaks malformed_cookie_hides_no_session;
    ReadsSixteenHeaders breaks every_cookie_header_is_read;
    ReadsTwoThousandBytes breaks every_cookie_header_is_read;
    ReadsOneHeader breaks every_cookie_header_is_read;
    JoinsThreeHeadersWithCommas breaks every_cookie_header_is_read;
    ReadsTheLastHeaderFirst breaks cookie_headers_are_read_in_order;
    LeavesOtherCookies breaks other_cookies_of_same_name_are_removed;
    RefusesWhatIsNoText breaks malformed_cookie_hides_no_session;
    OverlooksWhatIsNoText breaks malformed_cookie_hides_no_session;
    OverlooksHeadersWithOddCookies breaks malformed_cookie_hides_no_session;
    ReadsFiftyCookies breaks every_cookie_header_is_read;
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

mutation! {
    ReadsOneHeader;
    fn view(&self, request: &Request) -> RequestView {
        let is_split = values(request, "cookie").count() == 3;
        view_with(request, values(request, "cookie").take(if is_split { 1 } else { usize::MAX }))
    }
}

mutation! {
    JoinsThreeHeadersWithCommas;
    fn view(&self, request: &Request) -> RequestView {
        let cookies: Vec<_> = values(request, "cookie").collect();
        if cookies.len() != 3 {
            return view_with(request, cookies.into_iter());
        }
        let joined = cookies.join(&b", "[..]);
        view_with(request, [joined.as_slice()].into_iter())
    }
}

mutation! {
    ReadsTheLastHeaderFirst;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").rev())
    }
}

mutation! {
    RefusesWhatIsNoText;
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        let text = values(&visit.request, "cookie").all(|cookie| std::str::from_utf8(cookie).is_ok());
        (!text).then(|| Reply::new(400, "bad request"))
    }
}

mutation! {
    OverlooksWhatIsNoText;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").filter(|cookie| std::str::from_utf8(cookie).is_ok()))
    }
}

/// Returns whether all cookies in this header have a name and a value.
fn is_well_formed(header: &[u8]) -> bool {
    let named = |pair: &[u8]| {
        pair.trim_ascii().iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0)
    };
    header.split(|byte| *byte == b';').all(named)
}

mutation! {
    OverlooksHeadersWithOddCookies;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").filter(|header| is_well_formed(header)))
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

mutation! {
    ReadsHeadersUntilOneIsNoText;
    fn view(&self, request: &Request) -> RequestView {
        let text = |header: &&[u8]| std::str::from_utf8(header).is_ok();
        if values(request, "cookie").count() == 1 {
            return view_with(request, values(request, "cookie"));
        }
        view_with(request, values(request, "cookie").take_while(text))
    }
}

mutation! {
    ReadsNoHeaderIfOneIsEmpty;
    fn view(&self, request: &Request) -> RequestView {
        let is_empty = values(request, "cookie").any(<[u8]>::is_empty);
        view_with(request, values(request, "cookie").filter(|_| !is_empty))
    }
}

mutation! {
    ReadsSixteenHeaders;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").take(16))
    }
}

mutation! {
    ReadsTwoThousandBytes;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").map(|header| &header[..header.len().min(2000)]))
    }
}

mutation! {
    /// Of each header.
    ReadsFiftyCookies;
    fn view(&self, request: &Request) -> RequestView {
        let cookies: Vec<_> = values(request, "cookie")
            .map(|header| header.split(|byte| *byte == b';').take(50).collect::<Vec<_>>().join(&b';'))
            .collect();
        view_with(request, cookies.iter().map(Vec::as_slice))
    }
}
