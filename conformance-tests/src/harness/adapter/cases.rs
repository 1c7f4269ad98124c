//! Pages with every action of the handler, every set of headers and every status.

use session_core::{Error, Session};

use crate::harness::adapter::handlers::{COLOR, NOTES, OWN_COOKIE, PUBLIC_CACHE};

/// The headers of a response.
pub(crate) type Headers = &'static [(&'static str, &'static str)];

/// The headers that a handler may set, by their names in the path.
pub(crate) const HEADERS: &[(&str, Headers)] = &[
    ("none", &[]),
    ("notes", NOTES),
    ("json", &[("content-type", "application/json")]),
    ("cookies", &[("set-cookie", OWN_COOKIE), ("set-cookie", SECOND_COOKIE)]),
    (
        "cookie-order",
        &[
            ("set-cookie", SECOND_COOKIE),
            ("set-cookie", OWN_COOKIE),
            ("set-cookie", "theme=light; Path=/"),
        ],
    ),
    ("vary", &[("vary", "Accept"), ("vary", "Accept-Language")]),
    ("vary-star", &[("vary", "*")]),
    ("vary-cookie", &[("vary", "accept, cookie")]),
    ("public", PUBLIC_CACHE),
    ("public-last", PUBLIC_LAST),
    ("private", &[("cache-control", "private, max-age=60")]),
    ("private-last", &[("cache-control", "max-age=60"), ("cache-control", "private")]),
    ("private-first", &[("cache-control", "private"), ("cache-control", "max-age=60")]),
    ("targeted-last", &[("cdn-cache-control", "max-age=60"), ("cdn-cache-control", "private")]),
];

/// A public response with two headers.
pub(crate) const PUBLIC_LAST: Headers =
    &[("cache-control", "max-age=60"), ("cache-control", "public")];

/// The second cookie of a handler that sets two cookies.
pub(crate) const SECOND_COOKIE: &str = "language=en; Path=/";

/// Returns the headers of this name.
pub(crate) fn headers_of(name: &str) -> Headers {
    HEADERS.iter().find(|(other, _)| *other == name).map_or(&[], |(_, headers)| headers)
}

/// Performs an action on the session.
pub(crate) async fn perform(session: &Session, action: &str) -> Result<(), Error> {
    match action {
        "write" => session.insert(COLOR, "green"),
        "permanent" => session.insert(COLOR, "green").and_then(|()| session.set_permanent(true)),
        "flash" => session.flash("saved"),
        "save" => {
            session.insert(COLOR, "red")?;
            session.save().await?;
            session.insert(COLOR, "green")
        }
        "log-in" => session.log_in("ada", None).await,
        "log-out" => session.log_out().await.map(drop),
        _ => session.get::<String>(COLOR).map(drop),
    }
}
