//! Mutants of the rules of a store that cannot reach its data.

use session_core::ErrorKind;

use super::mutation::{mutants, mutation};

mutants! {
    LoadHidesOutage breaks outage_is_no_missing_record;
    RecentLoadHidesOutage breaks outage_is_no_missing_record;
    LoadManyHidesOutage breaks outage_is_no_missing_record;
    ListingHidesOutage breaks outage_is_no_missing_record;
    RemoveHidesOutage breaks outage_is_no_stale_version;
    ReplaceHidesOutage breaks outage_is_no_stale_version;
    TouchHidesOutage breaks outage_is_no_stale_version;
    SweepHidesOutage breaks outage_is_no_stale_version;
    CreateHidesOutage breaks outage_is_no_stale_version;
    OutageIsAConflict breaks outage_is_unavailable_or_backend_error;
}

/// Stores that mistake an outage for an absent record or another version.
macro_rules! hides {
    ($($name:ident: $call:literal;)+) => {
        $(mutation! {
            $name;
            fn hides(&self) -> &'static str {
                $call
            }
        })+
    };
}

hides! {
    LoadHidesOutage: "load";
    RecentLoadHidesOutage: "load_recent";
    LoadManyHidesOutage: "load_many";
    ListingHidesOutage: "keys_of";
    RemoveHidesOutage: "remove";
    ReplaceHidesOutage: "replace";
    TouchHidesOutage: "touch";
    SweepHidesOutage: "sweep";
    CreateHidesOutage: "create";
}

mutation! {
    OutageIsAConflict;
    fn outage_kind(&self) -> ErrorKind {
        ErrorKind::Conflict
    }
}
