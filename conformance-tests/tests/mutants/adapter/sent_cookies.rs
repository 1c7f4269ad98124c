//! Mutants of the rules of the cookies of a request.

use session_conformance::adapter::Request;
use session_core::request::RequestView;

use super::mutation::{mutants, mutation};
use super::original::{Reply, Visit, values, view_with};

mutants! {
    DecodesValuesOfCookies breaks interface_gets_cookies_as_sent;
    DecodesNamesOfCookies breaks interface_gets_cookies_as_sent;
    DecodesPlusInCookies breaks interface_gets_cookies_as_sent;
    StripsQuotesOfCookies breaks interface_gets_cookies_as_sent;
    StripsBackslashesOfCookies breaks interface_gets_cookies_as_sent;
    TrimsQuotedCookies breaks interface_gets_cookies_as_sent;
    JoinsBlanksInCookies breaks interface_gets_cookies_as_sent;
    EndsCookiesAtAQuestionMark breaks interface_gets_cookies_as_sent;
    EndsCookiesAtAComma breaks interface_gets_cookies_as_sent;
    WritesNamesOfCookiesInSmallLetters breaks interface_gets_cookies_as_sent;
    ReadsFourThousandBytes breaks every_cookie_header_is_read;
    ReadsHeadersUntilOneIsNoText breaks malformed_cookie_hides_no_session;
    ReadsNoHeaderIfOneIsEmpty breaks malformed_cookie_hides_no_session;
    ReadsSixteenHeaders breaks every_cookie_header_is_read;
    ReadsOneHeader breaks every_cookie_header_is_read;
    JoinsThreeHeadersWithCommas breaks every_cookie_header_is_read;
    ReadsTheLastHeaderFirst breaks cookie_headers_are_read_in_order;
    RefusesWhatIsNoText breaks malformed_cookie_hides_no_session;
    OverlooksWhatIsNoText breaks malformed_cookie_hides_no_session;
    OverlooksHeadersWithOddCookies breaks malformed_cookie_hides_no_session;
    ReadsFiftyCookies breaks every_cookie_header_is_read;
}

mutation! {
    ReadsFourThousandBytes;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").filter(|header| header.len() <= 4_096))
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

mutation! {
    OverlooksHeadersWithOddCookies;
    fn view(&self, request: &Request) -> RequestView {
        view_with(request, values(request, "cookie").filter(|header| is_well_formed(header)))
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

/// Adapters that read cookies through a library, which changes the name or the value.
macro_rules! rewrites {
    ($($name:ident: $change:expr;)+) => {
        $(mutation! {
            $name;
            fn view(&self, request: &Request) -> RequestView {
                let change: fn(&str, &str) -> (String, String) = $change;
                let rewritten: Vec<_> = values(request, "cookie").map(|header| rewritten(header, change)).collect();
                view_with(request, rewritten.iter().map(Vec::as_slice))
            }
        })+
    };
}

rewrites! {
    DecodesValuesOfCookies: |name, value| (name.to_owned(), value.replace("%41", "A"));
    DecodesNamesOfCookies: |name, value| (name.replace("%63", "c"), value.to_owned());
    DecodesPlusInCookies: |name, value| (name.to_owned(), value.replace('+', " "));
    StripsQuotesOfCookies: |name, value| (name.to_owned(), value.trim_matches('"').to_owned());
    StripsBackslashesOfCookies: |name, value| (name.to_owned(), value.replace('\\', ""));
    TrimsQuotedCookies: |name, value| (name.to_owned(), value.replace("\" ", "\"").replace(" \"", "\""));
    JoinsBlanksInCookies: |name, value| (name.to_owned(), value.replace("  ", " "));
    EndsCookiesAtAQuestionMark: |name, value| (name.to_owned(), until(value, '?'));
    EndsCookiesAtAComma: |name, value| (name.to_owned(), until(value, ','));
    WritesNamesOfCookiesInSmallLetters: |name, value| (name.to_ascii_lowercase(), value.to_owned());
}

fn until(value: &str, end: char) -> String {
    value.split(end).next().unwrap().to_owned()
}

/// Returns the header with each cookie changed, or unchanged if it is malformed.
fn rewritten(header: &[u8], change: fn(&str, &str) -> (String, String)) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(header) else { return header.to_vec() };
    let mut cookies = Vec::new();
    for cookie in text.split("; ") {
        let Some((name, value)) = cookie.split_once('=') else { return header.to_vec() };
        let (name, value) = change(name, value);
        cookies.push(format!("{name}={value}"));
    }
    cookies.join("; ").into_bytes()
}

/// Returns whether all cookies in this header have a name and a value.
fn is_well_formed(header: &[u8]) -> bool {
    let named = |pair: &[u8]| {
        pair.trim_ascii().iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0)
    };
    header.split(|byte| *byte == b';').all(named)
}
