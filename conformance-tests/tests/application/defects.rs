//! The defects of the sample application, and the checks that must fail for each.

/// A defect of the sample application.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Defect {
    NoHttpOnly,
    NoSecure,
    NoSameSite,
    SameSiteNone,
    HasDomain,
    LoginKeepsId,
    LoginKeepsOldSession,
    AdoptsUnknownId,
    AdoptsEndedId,
    DroppedWriteSetsCookie,
    WriteReplacesSession,
    AddsToOldNumber,
    ReadReplacesSession,
    LogoutKeepsSession,
    LogoutKeepsCookie,
    WriteRevivesSession,
    WriteRevivesSessionInBrowser,
    ReadRevivesSession,
    ResponseDoesNotVary,
    CookieIsShared,
    PlainPageSetsCookie,
    PlainPageVaries,
    LargeValueIsCut,
    LargeValueIsDropped,
    LargeValueErasesOthers,
    RefusedValueIsStored,
    OversizedCookie,
    NeverExpires,
    ReadsDoNotExtendExpiry,
    CookieExpiresEarly,
    /// Not a defect: requests of one session wait for each other.
    LocksSessions,
    /// Does not follow the contract, so that the overlap cannot be checked.
    IgnoresHold,
    /// Does not follow the contract at all.
    RefusesValues,
}

use Defect::*;

/// Each defect with the checks that fail for it. No other check fails.
pub const DEFECTS: &[(Defect, &[&str])] = &[
    (NoHttpOnly, &["cookie_is_http_only"]),
    (NoSecure, &["cookie_is_secure"]),
    (NoSameSite, &["cookie_has_same_site"]),
    (SameSiteNone, &["cookie_has_same_site"]),
    (HasDomain, &["cookie_is_sent_to_one_host"]),
    (LoginKeepsId, &["login_changes_id", "login_outlives_overlapping_write"]),
    (LoginKeepsOldSession, &["login_changes_id", "login_outlives_overlapping_write"]),
    (AdoptsUnknownId, &["planted_id_is_not_adopted", "ended_id_is_not_adopted"]),
    (AdoptsEndedId, &["ended_id_is_not_adopted"]),
    (DroppedWriteSetsCookie, &["login_outlives_overlapping_write"]),
    (
        WriteReplacesSession,
        &["overlapping_writes_are_both_stored", "overlapping_additions_are_both_counted"],
    ),
    (AddsToOldNumber, &["overlapping_additions_are_both_counted"]),
    (ReadReplacesSession, &["overlapping_read_undoes_no_write"]),
    (
        LogoutKeepsSession,
        &[
            "ended_id_is_not_adopted",
            "logout_ends_copies_of_cookie",
            "overlapping_write_revives_no_session",
            "overlapping_read_revives_no_session",
        ],
    ),
    (
        LogoutKeepsCookie,
        &[
            "ended_id_is_not_adopted",
            "logout_ends_copies_of_cookie",
            "overlapping_write_revives_no_session",
            "overlapping_read_revives_no_session",
        ],
    ),
    (
        WriteRevivesSessionInBrowser,
        &["login_outlives_overlapping_write", "overlapping_write_revives_no_session"],
    ),
    (WriteRevivesSession, &["overlapping_write_revives_no_session"]),
    (ReadRevivesSession, &["overlapping_read_revives_no_session"]),
    (ResponseDoesNotVary, &["response_from_session_varies"]),
    (CookieIsShared, &["response_with_cookie_is_not_shared"]),
    (PlainPageSetsCookie, &["page_without_session_is_cacheable"]),
    (PlainPageVaries, &["page_without_session_is_cacheable"]),
    (LargeValueIsCut, &["large_value_is_stored_or_refused"]),
    (LargeValueIsDropped, &["large_value_is_stored_or_refused"]),
    (LargeValueErasesOthers, &["large_value_is_stored_or_refused"]),
    (RefusedValueIsStored, &["large_value_is_stored_or_refused"]),
    (OversizedCookie, &["cookie_is_not_oversized"]),
    (NeverExpires, &["idle_session_expires"]),
    (ReadsDoNotExtendExpiry, &["active_session_does_not_expire"]),
    (CookieExpiresEarly, &["active_session_does_not_expire"]),
];
