//! Keys, versions, owners and times for checks.

use std::time::{Duration, SystemTime};

use session_core::store::{StoreKey, Version};

/// Rounds a time down to a whole second.
pub(crate) fn whole_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// Returns a version that is not in `used`.
pub(crate) fn never(used: &[Version]) -> Version {
    let mut version = Version::new(fastrand::u64(..));
    while used.contains(&version) {
        version = Version::new(fastrand::u64(..));
    }
    version
}

/// Returns an owner that no other run uses.
pub(crate) fn someone(name: &str) -> String {
    format!("{name}-{:016x}", fastrand::u64(..))
}

pub(crate) fn random_key() -> StoreKey {
    let mut bytes = [0; 32];
    fastrand::fill(&mut bytes);
    StoreKey::from_bytes(bytes)
}
