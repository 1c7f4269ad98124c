//! Saves and renewals as one plain command, `SET` with `IFEQ`, which compares the stored value.
//!
//! Valkey 8.1 and Redis 8.4 support this command. On the server, the command needs less than half
//! of the time of the script. The store runs the scripts on other servers, for changes of an
//! owner's list and for long records. A long record is expensive because the command sends both
//! values.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join;
use redis::{Cmd, Value};
use session_core::Error;
use session_core::store::{NewRecord, StoreKey, Version};
use tokio::time::Instant;

use crate::call::{Call, Listing, MARGIN};
use crate::error::{is_of_another_type, is_syntax_error};
use crate::names::record_name;
use crate::record::{self, EXPIRY};

/// The longest record that a save compares and writes, in bytes. For longer records, the second
/// value costs more than the script.
pub(crate) const LONGEST_SAVED: usize = 8 << 10;
/// The longest record that a renewal compares and writes. The script sends only the expiry.
const LONGEST_RENEWED: usize = 4 << 10;

/// The time after which the store queries its server again. The server may have been replaced.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);

/// The known properties of the server. The store cannot distinguish the nodes of a Cluster, or the
/// servers behind a connection of the application. Therefore all servers share one value.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<Properties>);

#[derive(Clone, Copy, Debug, Default)]
struct Properties {
    /// The time when a server refused the command.
    refused: Option<Instant>,
    /// A time of the server in milliseconds, and the time when it was read.
    clock: Option<(u64, Instant)>,
}

impl Learned {
    /// Returns whether to try the command.
    pub(crate) fn compares(&self) -> bool {
        self.get().refused.is_none_or(|refused| refused.elapsed() >= FORGOTTEN)
    }

    fn get(&self) -> Properties {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Properties)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The result of a save by one plain command.
pub(crate) struct Saved {
    /// The bytes of the new record.
    pub(crate) bytes: Vec<u8>,
    /// The entry in the list of the former owner.
    pub(crate) former: Option<Listing>,
}

impl Call<'_> {
    /// Replaces a record if its bytes match the version. Returns `None` and changes nothing if the
    /// bytes differ or a script is needed. The version may still be current, because a renewal
    /// changes the bytes and not the version.
    pub(crate) async fn replace_equal(
        &self,
        key: &StoreKey,
        expected: &Version,
        version: &Version,
        new: &NewRecord<'_>,
        ttl: u64,
    ) -> Result<Option<Saved>, Error> {
        let Some((old, listing)) = self.comparable(expected, LONGEST_SAVED) else {
            return Ok(None);
        };
        let (listed, former) = match (listing, new.owner()) {
            (listing, None) => (0, listing),
            (Some(listing), Some(owner))
                if listing.owner == owner.as_bytes() && self.lasts(&listing, ttl).await =>
            {
                (listing.until, Some(listing))
            }
            _ => return Ok(None),
        };
        let bytes = record::encode(version, new, listed);
        if bytes.len() > LONGEST_SAVED {
            return Ok(None);
        }
        let is_listed = former.as_ref().filter(|_| new.owner().is_some());
        if !self.set_if_equal(key, old, &bytes, ttl, is_listed).await? {
            return Ok(None);
        }
        let former = former.filter(|_| new.owner().is_none());
        Ok(Some(Saved { bytes, former }))
    }

    /// Sets the expiry of a record if its bytes match the version. Otherwise returns `false` and
    /// changes nothing.
    pub(crate) async fn touch_equal(
        &self,
        key: &StoreKey,
        expected: &Version,
        expires_at: [u8; 6],
        ttl: u64,
    ) -> Result<bool, Error> {
        let Some((old, listing)) = self.comparable(expected, LONGEST_RENEWED) else {
            return Ok(false);
        };
        if let Some(listing) = &listing
            && !self.lasts(listing, ttl).await
        {
            return Ok(false);
        }
        let mut bytes = old.to_vec();
        bytes[EXPIRY].copy_from_slice(&expires_at);
        self.set_if_equal(key, old, &bytes, ttl, listing.as_ref()).await
    }

    /// Returns the bytes of a version and the entry of its record in the owner's list, if the
    /// command can compare them.
    fn comparable<'v>(
        &self,
        version: &'v Version,
        longest: usize,
    ) -> Option<(&'v [u8], Option<Listing>)> {
        let old = version.stored().filter(|old| old.len() <= longest && self.learned.compares())?;
        let listing = record::split(old)?.listing;
        Some((old, listing.map(|(owner, until)| Listing { owner: owner.to_vec(), until })))
    }

    /// Returns whether a key is listed for long enough if Redis keeps the record for `ttl`.
    async fn lasts(&self, listing: &Listing, ttl: u64) -> bool {
        self.time().await.is_some_and(|now| listing.until >= now + ttl + MARGIN)
    }

    /// Returns the time of Redis in milliseconds, or `None` if it is unknown.
    async fn time(&self) -> Option<u64> {
        if let Some((time, read)) = self.learned.get().clock {
            let since = read.elapsed();
            if since < FORGOTTEN {
                return Some(time + u64::try_from(since.as_millis()).ok()?);
            }
        }
        let read = Instant::now();
        let reply = self.read(&redis::cmd("TIME")).await.ok()?;
        let (seconds, _): (u64, u64) = redis::from_redis_value(reply).ok()?;
        // The time is rounded up, and the elapsed time is measured from before the call. Therefore
        // the result is never behind the server.
        let time = (seconds + 1) * 1000;
        self.learned.change(|properties| properties.clock = Some((time, read)));
        Some(time)
    }

    /// Sets a value if the stored value is `old`, and restores the entry in the owner's list if
    /// Redis lost it. Otherwise returns `false` and changes nothing.
    async fn set_if_equal(
        &self,
        key: &StoreKey,
        old: &[u8],
        new: &[u8],
        ttl: u64,
        listing: Option<&Listing>,
    ) -> Result<bool, Error> {
        let name = record_name(self.key_prefix, key);
        let mut set = Cmd::with_capacity(7, name.len() + old.len() + new.len() + 30);
        set.arg("SET").arg(name).arg(new).arg("IFEQ").arg(old).arg("PX").arg(ttl);
        let Some(listing) = listing else { return self.compared(self.send(&set).await) };
        // Both commands share a round trip.
        let checking = self.listed_until(key, &listing.owner);
        let (until, reply) = join(checking, self.send(&set)).await;
        let is_set = self.compared(reply)?;
        if is_set {
            self.relist_unless(key, listing, until).await;
        }
        Ok(is_set)
    }

    fn compared(&self, reply: redis::RedisResult<Value>) -> Result<bool, Error> {
        match reply {
            Ok(Value::Okay) => Ok(true),
            Ok(Value::Nil) => Ok(false),
            Ok(_) => Err(self.unexpected_reply()),
            // The script handles a value of another type.
            Err(error) if is_of_another_type(&error) => Ok(false),
            Err(error) if is_syntax_error(&error) => {
                self.learned.change(|properties| properties.refused = Some(Instant::now()));
                Ok(false)
            }
            Err(error) => Err(self.failed(error)),
        }
    }
}
