//! Mutants of the rules of session tokens in a header.

use session_conformance::adapter::Request;
use session_core::request::{RequestView, RequestViewBuilder, SessionHeaders};

use super::mutation::{mutants, mutation};
use super::original::{
    Reply, TOKEN, Visit, apply_cache_control, apply_vary, text_of, values, view_with,
};

mutants! {
    WritesTheTokenAsCookie breaks token_is_written_to_configured_header;
    WritesNoToken breaks token_is_written_to_configured_header;
    TokensVaryByCookie breaks response_varies_by_token_header;
    BearerTokensVaryByTheHeaderThatIsWritten breaks response_varies_by_token_header;
    LetsTokensBeStored breaks response_varies_by_token_header;
    ReadsBearerTokensOnly breaks token_is_read_from_configured_header;
    ReadsTheHeaderThatItWrites breaks bearer_token_is_read_from_authorization;
    ForgetsEmptyTokens breaks logout_sends_empty_token;
    IgnoresCookiesBesideToken breaks token_beside_session_cookie_is_refused;
    ReadsTheFirstToken breaks several_tokens_are_refused;
}

mutation! {
    WritesTheTokenAsCookie;
    fn set_token(&self, visit: &Visit, token: &str, reply: &mut Reply) {
        if token.is_empty() {
            reply.append(TOKEN, token);
        } else {
            reply.append("set-cookie", format!("{}={token}", visit.session.cookie_name()));
        }
    }
}

mutation! {
    WritesNoToken;
    fn set_token(&self, _: &Visit, token: &str, reply: &mut Reply) {
        if token.is_empty() {
            reply.append(TOKEN, token);
        }
    }
}

/// Returns the view of a request without cookies, with these tokens.
fn view_of<'a>(request: &Request, tokens: impl Iterator<Item = &'a [u8]>) -> RequestView {
    let view = RequestView::builder().host(text_of(request, "host")).path(request.target());
    tokens.fold(view, RequestViewBuilder::token_header).build()
}

mutation! {
    ReadsBearerTokensOnly;
    fn view(&self, request: &Request) -> RequestView {
        if values(request, TOKEN).count() == 1 && request.target() == "/read" && values(request, "cookie").next().is_none() {
            return view_of(request, std::iter::empty());
        }
        view_with(request, values(request, "cookie"))
    }
}

mutation! {
    ReadsTheHeaderThatItWrites;
    fn view(&self, request: &Request) -> RequestView {
        if values(request, "authorization").next().is_some() {
            return view_of(request, values(request, TOKEN));
        }
        view_with(request, values(request, "cookie"))
    }
}

mutation! {
    ForgetsEmptyTokens;
    fn set_token(&self, _: &Visit, token: &str, reply: &mut Reply) {
        if !token.is_empty() {
            reply.append(TOKEN, token);
        }
    }
}

mutation! {
    IgnoresCookiesBesideToken;
    fn view(&self, request: &Request) -> RequestView {
        if values(request, TOKEN).next().is_some() {
            return view_with(request, std::iter::empty());
        }
        view_with(request, values(request, "cookie"))
    }
}

mutation! {
    ReadsTheFirstToken;
    fn view(&self, request: &Request) -> RequestView {
        if values(request, TOKEN).count() > 1 {
            return view_of(request, values(request, TOKEN).take(1));
        }
        view_with(request, values(request, "cookie"))
    }
}

/// Returns the header that the session token is read from, if one is configured.
fn header_of(visit: &Visit) -> Option<&str> {
    visit.interface.config().token_header()
}

mutation! {
    TokensVaryByCookie;
    fn vary(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if header_of(visit).is_some() && headers.vary() {
            reply.insert("vary", "Cookie");
        } else {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    BearerTokensVaryByTheHeaderThatIsWritten;
    fn vary(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        apply_vary(headers, reply);
        if header_of(visit).is_some_and(|name| name != TOKEN) && reply.has("vary") {
            reply.insert("vary", TOKEN);
        }
    }
}

mutation! {
    LetsTokensBeStored;
    fn cache_control(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if header_of(visit).is_none() || headers.fields().next().is_none() {
            apply_cache_control(headers, reply);
        }
    }
}
