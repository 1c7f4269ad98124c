//! Mutants of the rules of `Vary` and `Cache-Control`.

use session_core::request::SessionHeaders;

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit, apply_cache_control, apply_vary};

mutants! {
    VariesOnlyWithACookie breaks read_varies_by_cookie_and_sets_none;
    SetsTheCookieOnEveryRead breaks read_varies_by_cookie_and_sets_none;
    VariesOnlyWithoutACookie breaks write_varies_by_cookie;
    ReplacesVary breaks vary_of_handler_is_merged;
    AddsASecondVary breaks vary_of_handler_is_merged;
    MergesTheFirstVary breaks vary_of_handler_is_merged;
    DropsVaryBesideACookie breaks vary_of_handler_is_merged;
    AddsVaryBesideACookie breaks vary_of_handler_is_merged;
    ReadsTheFirstCacheControl breaks every_cache_control_header_counts;
    ReadsTheLastCacheControl breaks every_cache_control_header_counts;
    ReadsTheFirstTargetedCacheControl breaks every_cache_control_header_counts;
    AppendsToTheStar breaks vary_with_cookie_is_unchanged;
    ComparesVaryByCase breaks vary_with_cookie_is_unchanged;
    LetsTheCookieBeStored breaks response_with_cookie_has_no_store;
    LetsTheRemovalBeStored breaks response_with_cookie_has_no_store;
    ReplacesCacheControl breaks private_cache_control_of_handler_is_unchanged;
    AddsASecondCacheControl breaks private_cache_control_of_handler_is_unchanged;
    LetsPublicPrevail breaks public_response_with_cookie_has_no_store;
    ForgetsTargetedCaches breaks public_response_with_cookie_has_no_store;
    LetsNoPageBeStored breaks response_without_session_has_no_cache_control;
    LetsNoSessionBeStored breaks response_after_read_is_private;
    SaysNothingOfReads breaks response_after_read_is_private;
}

mutation! {
    VariesOnlyWithACookie;
    fn vary(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.set_cookie().is_some() || visit.path() != "/read" {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    SetsTheCookieOnEveryRead;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        let name = visit.session.cookie_name();
        let value = visit.session.request().cookie(name).filter(|_| visit.path() == "/read");
        if let (Some(value), false) = (value, reply.has("set-cookie")) {
            reply.append("set-cookie", format!("{name}={value}"));
        }
        reply
    }
}

mutation! {
    VariesOnlyWithoutACookie;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.set_cookie().is_none() || has_other_vary(reply) {
            apply_vary(headers, reply);
        }
    }
}

/// Returns whether the handler's `Vary` is neither `*` nor has the cookie.
fn has_other_vary(reply: &Reply) -> bool {
    reply.values("vary").any(|vary| vary.starts_with("Accept"))
}

mutation! {
    ReplacesVary;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if has_other_vary(reply) {
            reply.insert("vary", "Cookie");
        } else {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    AddsASecondVary;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if has_other_vary(reply) {
            reply.append("vary", "Cookie");
        } else {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    MergesTheFirstVary;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        let first = reply.values("vary").next().map(str::to_owned);
        if let Some(merged) = headers.merged_vary(first.iter().map(String::as_bytes)) {
            reply.insert("vary", merged);
        }
    }
}

mutation! {
    AppendsToTheStar;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if reply.values("vary").eq(["*"]) {
            reply.insert("vary", "*, Cookie");
        } else {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    ComparesVaryByCase;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if reply.values("vary").eq(["accept, cookie"]) {
            reply.insert("vary", "accept, cookie, Cookie");
        } else {
            apply_vary(headers, reply);
        }
    }
}

mutation! {
    LetsTheCookieBeStored;
    fn cache_control(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if visit.path() != "/write/green" {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    LetsTheRemovalBeStored;
    fn cache_control(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if visit.path() != "/logout" {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    ReplacesCacheControl;
    fn cache_control(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.set_cookie().is_some() && visit.path() == "/own-cache" {
            reply.insert("cache-control", "no-store");
        } else {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    AddsASecondCacheControl;
    fn cache_control(&self, visit: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if visit.path() == "/own-cache" {
            reply.append("cache-control", "no-store");
        } else {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    LetsPublicPrevail;
    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if !reply.has("cache-control") {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    ForgetsTargetedCaches;
    fn targeted_cache_control(&self, _: &SessionHeaders, _: &mut Reply) {}
}

mutation! {
    SaysNothingOfReads;
    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.fields().next().is_some() {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    LetsNoPageBeStored;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if visit.path() == "/untouched" {
            reply.insert("cache-control", "no-store");
        }
        reply
    }
}

mutation! {
    LetsNoSessionBeStored;
    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.vary() && headers.set_cookie().is_none() {
            reply.insert("cache-control", "no-store");
        } else {
            apply_cache_control(headers, reply);
        }
    }
}

mutation! {
    DropsVaryBesideACookie;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        if headers.set_cookie().is_some() && has_other_vary(reply) {
            reply.remove("vary");
        }
        apply_vary(headers, reply);
    }
}

mutation! {
    AddsVaryBesideACookie;
    fn vary(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        let is_beside = headers.set_cookie().is_some() && has_other_vary(reply);
        apply_vary(headers, reply);
        if is_beside {
            reply.append("vary", "Cookie");
        }
    }
}

mutation! {
    ReadsTheFirstCacheControl;
    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        let first = reply.values("cache-control").take(1).map(str::as_bytes);
        if let Some(directive) = headers.cache_control(first) {
            reply.insert("cache-control", directive);
        }
    }
}

mutation! {
    ReadsTheLastCacheControl;
    fn cache_control(&self, _: &Visit, headers: &SessionHeaders, reply: &mut Reply) {
        let last = reply.values("cache-control").last().map(str::as_bytes);
        if let Some(directive) = headers.cache_control(last) {
            reply.insert("cache-control", directive);
        }
    }
}

mutation! {
    ReadsTheFirstTargetedCacheControl;
    fn targeted_cache_control(&self, headers: &SessionHeaders, reply: &mut Reply) {
        for name in SessionHeaders::TARGETED {
            let first = reply.values(name).take(1).map(str::as_bytes);
            if let Some(directive) = headers.targeted_cache_control(first) {
                reply.insert(name, directive);
            }
        }
    }
}
