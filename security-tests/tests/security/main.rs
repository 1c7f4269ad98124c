//! Published classes of vulnerabilities in session libraries, and the tests that show that this
//! project is not affected.
//!
//! # Classes
//!
//! Each class has examples of advisories, its tests, and mutants that these tests catch. The
//! mutants of a rule of `session-conformance` are in that crate: `rules` stands for them. Another
//! name is that of a test that fails unless the mutant is caught.
//!
//! | class | examples | tests | mutants |
//! |---|---|---|---|
//! | `revived` by a concurrent save | CVE-2025-46336, CVE-2025-32441, CVE-2013-10075 | `save_after_logout_revives_nothing`, `late_save_revives_nothing`, `two_requests_in_every_order` | rules |
//! | `late-response` restores a cookie | CVE-2025-66803 | `late_save_sets_no_cookie`, `cookie_is_set_only_if_it_is_out_of_date` | rules |
//! | `replay` after logout or expiry | CVE-2024-31999, CVE-2018-1000814, CVE-2026-44511 | `copied_cookie_opens_nothing_after_logout`, `expired_session_opens_nothing`, `logout_holds_on_every_store_and_adapter` | rules, `logout_saved_with_response_is_found` |
//! | `expiry` mishandled | CVE-2024-35220, GHSA-h3rw-77w7-92gf | `expired_session_opens_nothing`, `session_is_valid_until_its_expiry`, `read_renews_permanent_session` | rules |
//! | `adopted-id` of the client | CVE-2024-38513, CVE-2018-1000519 | `made_up_cookie_is_never_adopted` | rules |
//! | `fixation` at login | CVE-2023-29019, CVE-2022-25896, CVE-2018-11385 | `login_gives_session_other_id`, `login_of_other_user_drops_values`, `token_of_other_source_login_or_key_is_refused`, `token_is_of_one_login_and_of_one_session` | rules |
//! | `raw-id` in paths and keys | CVE-2018-18925, CVE-2025-61686, CVE-2011-0698 | `malformed_id_reaches_no_store`, `fuzzed_id_has_one_spelling`, `malformed_cookie_opens_new_session`, `malformed_cookie_hides_no_session` | rules, `unchecked_and_plain_ids_are_found` |
//! | `namespace` confusion | CVE-2011-4136, CVE-2022-46170 | `cookie_under_other_name_opens_nothing`, `cookie_of_other_namespace_opens_nothing`, `sealed_cookie_hides_contents_and_keeps_its_name`, `same_key_signs_only_one_namespace`, `starlette_key_signs_only_one_namespace` | `cookie_under_other_name_opens_nothing`, `sealed_cookie_hides_contents_and_keeps_its_name` |
//! | `weak-id` | CVE-2025-66565, CVE-2025-66630 | `ids_are_bytes_of_the_system_and_failure_is_error`, `cookie_is_random_id` | rules, `ids_from_elsewhere_are_found` |
//! | `timing` and plain ids | CVE-2019-16782, CVE-2019-25025, CVE-2016-1000236 | `store_gets_nothing_that_opens_session`, `signature_is_compared_in_constant_time` | `unchecked_and_plain_ids_are_found`, `comparison_that_ends_at_first_difference_is_found` |
//! | `downgrade` to a weaker form | CVE-2026-39324, CVE-2026-40372 | `weaker_form_of_cookie_opens_nothing`, `edited_cookie_opens_nothing`, `similar_id_opens_nothing` | rules, `fallback_decoder_is_found` |
//! | `weak-key` | CVE-2021-29480, CVE-2020-17526, CVE-2019-5420 | `weak_key_is_refused`, `weak_key_is_refused_and_error_names_rule` | `constructor_that_accepts_weak_key_is_found` |
//! | `rotation-order` of keys | CVE-2025-47278 | `newest_key_signs_and_seals`, `newest_key_encrypts_records` | `newest_key_signs_and_seals`, `newest_key_encrypts_records` |
//! | `deserialisation` | CVE-2021-29485, CVE-2013-7489 | `fuzzed_record_is_content_or_nothing`, `fuzzed_payload_is_written_back_with_its_keys`, `fuzzed_row_is_record_or_nothing`, `fuzzed_record_is_record_or_nothing`, `fuzzed_signed_cookie_is_session_or_fresh`, `fuzzed_sealed_cookie_is_session_or_fresh`, `fuzzed_starlette_cookie_is_session_or_fresh`, `fuzzed_flash_cookie_is_genuine_or_refused`, `fuzzed_remember_token_is_genuine_or_refused`, `fuzzed_series_is_written_as_it_was_read`, `fuzzed_token_header_has_one_token_or_none`, `fuzzed_form_has_first_field_of_token`, `malformed_cookie_hides_no_session` | rules, `careless_decoder_fails` |
//! | `cryptography` | CVE-2012-3458, CVE-2021-29481 | `encrypted_record_hides_contents`, `sealed_cookie_hides_contents_and_keeps_its_name`, `cookie_of_other_key_opens_nothing`, `session_signed_by_flask_is_signed_to_same_cookie`, `sealing_key_is_neither_secret_nor_signing_key` | `encrypted_record_hides_contents`, `sealed_cookie_hides_contents_and_keeps_its_name` |
//! | `cache` leak | CVE-2023-30861, CVE-2026-27205, CVE-2026-35192 | `read_varies_by_cookie_and_sets_none`, `write_varies_by_cookie`, `response_with_cookie_has_no_store`, `public_response_with_cookie_has_no_store` | rules |
//! | `filling` of the store | CVE-2015-5143, RUSTSEC-2017-0005, CVE-2026-25899 | `visitor_without_stored_session_gets_no_cookie`, `largest_payload_is_stored_whole`, `session_larger_than_cookie_is_refused`, `request_without_session_opens_nothing`, `flood_of_anonymous_requests_logs_out_no_user`, `read_of_visitor_stores_no_record`, `large_session_is_refused_by_each_store` | rules, `large_session_is_refused_by_each_store` |
//! | `header` injection and prefixes | CVE-2022-36032, GHSA-9h73-w7ch-rh73 | `encoded_cookie_name_opens_nothing`, `line_break_in_session_adds_no_header`, `cookie_value_of_backend_is_checked`, `setting_with_control_character_adds_no_header` | `decoded_cookie_name_is_found`, `header_from_session_is_found` |
//! | `not-ended` on events | CVE-2023-40273, CVE-2025-4754, CVE-2021-34428 | `logout_holds_on_every_store_and_adapter`, `end_all_returns_number_of_ended_sessions`, `panic_in_any_hook_cannot_prevent_logout` | rules, `logout_saved_with_response_is_found` |
//! | `disclosed-id` | CVE-2023-20866, CVE-2020-5224 | `debug_shows_no_secret`, `handle_as_cookie_opens_nothing`, `error_response_hides_error_text` | rules |
//! | `cross-request` leak | CVE-2026-24894 | `concurrent_requests_have_own_sessions`, `visitors_have_separate_sessions` | rules |
//!
//! # Matrix
//!
//! A letter names the place of the tests of the class that run for the column. S, I and A are rules
//! of the suites of stores, interfaces and adapters, which run in the crate of the column. T: tests
//! in this folder, which loop over the columns. U: tests in the crate of the column. C: tests in
//! session-core, whose code every column uses. A number is the reason for an empty cell.
//!
//! | class | memory | SQLite | PostgreSQL | MariaDB | Redis | signed | sealed | Starlette | axum | actix |
//! |---|---|---|---|---|---|---|---|---|---|---|
//! | `revived` | S I C | S I C | S I C | S I C | S I C | 1 | 1 | 1 | 2 | 2 |
//! | `late-response` | I C | I C | I C | I C | I C | 1 | 1 | 1 | 2 | 2 |
//! | `replay` | I T | I T | I T | I T | I T | I | I | I | T | T |
//! | `expiry` | I | I | I | I | I | I | I | I | A | A |
//! | `adopted-id` | I | I | I | I | I | I | I | I | 2 | 2 |
//! | `fixation` | I C | I C | I C | I C | I C | I C | I C | I C | 3 | U |
//! | `raw-id` | I T C | I T C | I T C | I T C | I T C | I | I | I | A | A |
//! | `namespace` | T C | T C | T C | T C | T C | U | T | U | 2 | 2 |
//! | `weak-id` | I T | I T | I T | I T | I T | 4 | T | 4 | 2 | 2 |
//! | `timing` | T | T | T | T | T | U | 5 | U | 2 | 2 |
//! | `downgrade` | I | I | I | I | I | I T | I T | I T | 2 | 2 |
//! | `weak-key` | 6 | 6 | 6 | 6 | 6 | C T | C T | C T | 2 | 2 |
//! | `rotation-order` | T | T | T | T | T | T | T | T | 2 | 2 |
//! | `deserialisation` | C | C U | C U | C U | C U | C U | C U | C U | A | A |
//! | `cryptography` | T | T | T | T | T | U T | U T | T | 2 | 2 |
//! | `cache` | 7 | 7 | 7 | 7 | 7 | 7 | 7 | 7 | A | A |
//! | `filling` | S I T U | S I T | S I T | S I T | S I T | I | I | I | A T | A T |
//! | `header` | T | T | T | T | T | T | T | T | T | T |
//! | `not-ended` | I T C | I T C | I T C | I T C | I T C | 1 | 1 | 1 | T | T |
//! | `disclosed-id` | I | I | I | I | I | I | I | I | A | A |
//! | `cross-request` | I | I | I | I | I | I | I | I | A | A |
//!
//! # Reasons
//!
//! | number | reason |
//! |---|---|
//! | 1 | The browser stores the session. A copy stays valid until it expires; the documentation of the backends and the outcome `BrowserOnly` say so. A stamp ends such sessions. |
//! | 2 | The adapter passes the cookie and the session on. session-core decides, and its decision is tested with each backend. |
//! | 3 | The test is in session-actix and covers both adapters. |
//! | 4 | The cookie has no id and no other random number. |
//! | 5 | The crate of the cipher compares the tag, in constant time. |
//! | 6 | Such a session has no key. |
//! | 7 | The adapter renders the headers of caches for every backend. |

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod asvs;
mod backends;
mod cookies;
mod filling;
mod headers;
mod ids;
mod keys;
mod logout;
mod matrix;
mod random;
mod recording;
