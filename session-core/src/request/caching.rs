//! The directives of `Cache-Control` that matter to a response with a session.

/// The directives of all values of one header.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Directives {
    /// Whether the header has a value that is not empty.
    pub(super) any: bool,
    pub(super) protects: Protected,
    pub(super) public: bool,
}

/// The part of a response that caches must not send to another client.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Protected {
    #[default]
    Nothing,
    /// The `Set-Cookie` header, because of `private` or `no-cache` for this header.
    Cookie,
    /// The response, because of `no-store` or `private`.
    Response,
}

impl Directives {
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut directives = Self::default();
        for value in values {
            directives.any |= !value.trim_ascii().is_empty();
            directives.add(&String::from_utf8_lossy(value).to_ascii_lowercase());
        }
        directives
    }

    /// Adds the directives of one value, in lower case.
    fn add(&mut self, value: &str) {
        let mut quoted = false;
        let separates = |char| {
            quoted ^= char == '"';
            char == ',' && !quoted
        };
        for directive in value.split(separates) {
            let (name, fields) = directive.split_once('=').unwrap_or((directive, ""));
            let mut fields = fields.trim().trim_matches('"').split(',').map(str::trim);
            let is_bare = directive.trim().len() == name.trim().len();
            let protects = match name.trim() {
                "no-store" | "private" if is_bare => Protected::Response,
                "private" | "no-cache" if fields.any(|field| field == "set-cookie") => {
                    Protected::Cookie
                }
                _ => Protected::Nothing,
            };
            self.protects = self.protects.max(protects);
            self.public |= is_bare && name.trim() == "public";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_that_protect_cookie_are_recognized() {
        for value in [
            "no-store",
            "Private",
            "private, max-age=60",
            "max-age=60 , NO-STORE",
            r#"no-cache="set-cookie""#,
            r#"max-age=60, no-cache="x-a, Set-Cookie""#,
            "no-cache=set-cookie",
            r#"private="set-cookie""#,
        ] {
            let protects = Directives::of([value.as_bytes()]).protects;
            assert!(protects >= Protected::Cookie, "{value}");
            let both = Directives::of([&b"public"[..], value.as_bytes()]);
            assert_eq!(both.protects, protects, "{value}");
        }
        for value in [
            "",
            "public",
            "no-cache",
            "max-age=0",
            "s-maxage=60",
            "must-revalidate",
            "x-private",
            r#"no-cache="x-a""#,
            r#"private="x-a""#,
            r#"x="a, private, b""#,
            r#"x="no-store"#,
            "\u{fffd}",
        ] {
            assert_eq!(Directives::of([value.as_bytes()]).protects, Protected::Nothing, "{value}");
        }
    }

    #[test]
    fn public_directive_is_recognized() {
        assert!(Directives::of([&b"max-age=60"[..], b"PUBLIC , immutable"]).public);
        for value in ["", "private", "max-age=60", r#"x="public, b""#, "publicity"] {
            assert!(!Directives::of([value.as_bytes()]).public, "{value}");
        }
    }
}
