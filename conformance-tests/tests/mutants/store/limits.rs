//! Mutants that cut what is too long.

use session_core::store::{NewRecord, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind, async_trait};

use super::mutation::{mutants, mutation};
use super::written::writes;

mutants! {
    PayloadCutAtAMegabyte breaks payload_beyond_maximum_is_whole_or_refused;
    ReplaceCutsBeyondAMegabyte breaks payload_beyond_maximum_is_whole_or_refused;
    CutAtTwoMegabytes breaks payload_beyond_maximum_is_whole_or_refused;
    TooLongReplaceRemoves breaks payload_beyond_maximum_is_whole_or_refused;
    OwnerCutAt4096 breaks owner_beyond_maximum_is_whole_or_refused;
    LengthOfOwnerHas16Bits breaks owner_beyond_maximum_is_whole_or_refused;
    OwnerBeyond3072IsNotListed breaks owner_beyond_maximum_is_whole_or_refused;
}

writes! { PayloadCutAtAMegabyte, |record| record.payload.truncate(1 << 20) }
writes! { ReplaceCutsBeyondAMegabyte in replace, |record| record.payload.truncate((1 << 20) + 1) }
writes! { CutAtTwoMegabytes, |record| record.payload.truncate(2 << 20) }
writes! {
    OwnerCutAt4096,
    |record| record.own(|owner| owner.get(..4096).unwrap_or(owner).to_owned())
}
writes! {
    LengthOfOwnerHas16Bits,
    |record| record.own(|owner| owner.get(..owner.len() % 65_536).unwrap_or(owner).to_owned())
}

mutation! {
    /// The refusal comes after the old record was removed.
    TooLongReplaceRemoves;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.payload().len() > 1 << 20 {
            self.original.remove(key, expected);
            return Err(Error::new(ErrorKind::TooLarge, "longer than the longest packet"));
        }
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    OwnerBeyond3072IsNotListed;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(if owner.len() > 3072 { Vec::new() } else { self.original.keys_of(owner) })
    }
}
