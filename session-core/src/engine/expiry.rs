//! When a record ends, and when it is worth a write to put that off.

use std::time::{Duration, SystemTime};

use super::Handle;
use super::content::Head;
use crate::{SaveContext, SessionConfig};

/// The most that a renewal may be late.
const SLACK: Duration = Duration::from_mins(1);

/// When a record ends that is written now: the promised life and the slack, within the absolute limit.
///
/// The slack is what spares most renewals their write, always in the session's favour.
pub(super) fn expires_at(
    config: &SessionConfig,
    lifetime: Option<Duration>,
    created_at: SystemTime,
    now: SystemTime,
) -> SystemTime {
    let end = add(now, kept_for(config, lifetime));
    match config.absolute_timeout() {
        Some(limit) => end.min(add(created_at, limit)),
        None => end,
    }
}

/// How long a record is kept that nothing renews: the promised life and the slack.
pub(super) fn kept_for(config: &SessionConfig, lifetime: Option<Duration>) -> Duration {
    let life = life(config, lifetime);
    life.saturating_add(slack(life))
}

/// When a record was last written or renewed. A renewal puts the end off by as much as the write did, unless the absolute
/// limit holds it.
pub(super) fn last_seen(head: &Head, expires_at: SystemTime, now: SystemTime) -> SystemTime {
    let renewed_at = expires_at.checked_sub(head.kept_for).unwrap_or(head.written_at);
    renewed_at.max(head.written_at).min(now)
}

/// Whether an unmodified session is to be renewed now: something in this request renews it, and its record no longer keeps
/// what a renewal would promise.
pub(super) fn is_due(permanent: bool, accessed: bool, context: &SaveContext<'_>, handle: &Handle) -> bool {
    let config = context.config();
    let slides = if permanent && config.idle_timeout().is_none() { context.should_set_cookie() } else { accessed };
    let promised = add(context.now(), life(config, context.lifetime()));
    let promised = match config.absolute_timeout() {
        Some(limit) => promised.min(add(handle.created_at, limit)),
        None => promised,
    };
    slides && handle.expires_at < promised
}

/// Whether a record is past its end. At the very moment of it, it is not.
pub(super) fn is_expired(
    config: &SessionConfig,
    created_at: SystemTime,
    expires_at: SystemTime,
    now: SystemTime,
) -> bool {
    now > expires_at || config.absolute_timeout().is_some_and(|limit| now > add(created_at, limit))
}

fn life(config: &SessionConfig, lifetime: Option<Duration>) -> Duration {
    let life = lifetime.unwrap_or_else(|| config.browser_lifetime());
    config.idle_timeout().map_or(life, |idle| life.min(idle))
}

fn slack(life: Duration) -> Duration {
    (life / 10).min(SLACK)
}

/// The end of time for sums that pass it.
fn add(time: SystemTime, duration: Duration) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + crate::cookie::LAST_HTTP_DATE;
    time.checked_add(duration).map_or(last, |sum| sum.min(last))
}
