//! Rules of the cookies of a request.

use session_core::request::RequestView;

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::request;
use crate::macros::rules;

rules! {
    ($) pub(crate) const SENT_COOKIES, macro __adapter_sent_cookies, for AdapterUnderTest;

    /// The session cookie is found in any of several `Cookie` headers. HTTP/2 clients may send each
    /// cookie in its own header (RFC 9113, section 8.2.3).
    ///
    /// Call `RequestViewBuilder::cookie_header` for every `Cookie` header. Do not join the headers
    /// with a comma, and do not limit their number or length.
    async fn every_cookie_header_is_read(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for place in 0..3 {
            let mut cookies = vec!["theme=dark", "tracking=no"];
            cookies.insert(place, &cookie);
            let reply = application.get("/read", &cookies).await;
            application.equal("read: blue".to_owned(), reply.text())?;
        }
        let others = (0..OTHERS).map(|number| format!("other{number}={}", "x".repeat(LONG)));
        let short = (0..SHORT).map(|number| format!("s{number}=1"));
        let short = short.chain([cookie.clone()]).collect::<Vec<_>>().join("; ");
        let separate: Vec<_> = others.chain([cookie]).collect();
        for cookies in [&separate[..], &[short], &[separate.join("; ")]] {
            let cookies: Vec<_> = cookies.iter().map(String::as_str).collect();
            let reply = application.get("/read", &cookies).await;
            application.equal("read: blue".to_owned(), reply.text())?;
        }
        Ok(())
    }

    /// The interface receives the name and the value of every cookie as the client sent them.
    ///
    /// Pass each `Cookie` header to `RequestViewBuilder::cookie_header` unchanged. Do not decode
    /// `%41` or `+`, and do not remove quotes, blanks or backslashes. Cookie libraries that parse
    /// and rewrite the header make these changes.
    async fn interface_gets_cookies_as_sent(adapter) {
        let application = adapter.start().await?;
        for (name, value) in VERBATIM {
            let header = format!("theme=dark; {name}={value}; language=en");
            application.get("/read", &[&header]).await;
            let Some(request) = application.observed.requests().pop() else {
                return Err(application.failure("a call of SessionInterface::open", "none"));
            };
            let sent = RequestView::builder().cookie_header(header.as_bytes()).build();
            for name in [name, "theme", "language"] {
                let (sent, seen) = (sent.cookie(name), request.cookie(name));
                application.hold(sent == seen, &format!("cookie {name:?} with the value {sent:?}"), format!("{seen:?}"))?;
            }
        }
        Ok(())
    }

    /// If two headers have a session cookie, the first cookie is used, as with two cookies in one
    /// header.
    ///
    /// Forward the `Cookie` headers in the order in which they arrived.
    async fn cookie_headers_are_read_in_order(adapter) {
        let application = adapter.start().await?;
        let (first, second) = (application.cookie("blue").await?, application.cookie("red").await?);
        let reply = application.get("/read", &[&first, &second]).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// A malformed cookie or a header that is not text does not cause an error. The session cookie
    /// in the same header or in another header is still found.
    ///
    /// Forward the bytes of each header. Do not require UTF-8 or well-formed cookies. A conversion
    /// of all headers to text must not stop at the first header that is not text.
    async fn malformed_cookie_hides_no_session(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for malformed in [&b"caf\xe9=cr\xe8me"[..], b"=;; {\"a\": 1}", b"a b, c", b""] {
            let reply = application.send(request("/read", &[malformed])).await;
            application.equal((200, "read: nothing".to_owned()), (reply.status(), reply.text()))?;
            let header = [malformed, b"; ", cookie.as_bytes()].concat();
            let (alone, separate) = ([&header[..]], [malformed, cookie.as_bytes()]);
            let after = [cookie.as_bytes(), malformed];
            for cookies in [&alone[..], &separate, &after] {
                let reply = application.send(request("/read", cookies)).await;
                application.equal((200, "read: blue".to_owned()), (reply.status(), reply.text()))?;
            }
        }
        Ok(())
    }
}

/// Cookies that a library may change when it parses them.
const VERBATIM: [(&str, &str); 12] = [
    ("percent", "%41%3B%20%25"),
    ("per%63ent", "1"),
    ("plus", "a+b"),
    ("question", "a?b=c&d"),
    ("blanks", "a  b"),
    ("quoted", "\"a b\""),
    ("quoted-twice", "\"\"a\"\""),
    ("quoted-blanks", "\" a \""),
    ("backslash", "a\\\"b\\\\c"),
    ("Case", "Value"),
    ("equals", "a==b="),
    ("comma", "a,b"),
];

/// The number of long cookies besides the session cookie.
const OTHERS: usize = 40;

/// The number of short cookies. Browsers send up to 180 for a domain.
const SHORT: usize = 150;
/// The length of a long cookie. The cookies of a domain often have more than 10,000 bytes together.
const LONG: usize = 300;
