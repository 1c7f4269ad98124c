//! Finds every record, with `SCAN` on each server.

use std::collections::BTreeSet;
use std::time::SystemTime;

use redis::Value;
use session_core::store::{KeyPage, Scan, StoreKey};
use session_core::{Error, ErrorKind, async_trait};
use sha2::{Digest as _, Sha256};

use super::RedisStore;
use crate::call::Call;
use crate::checks::Checks;
use crate::names::{key_of, record_pattern};

/// The maximum number of `SCAN` commands for one page. Most keys of the database may belong to
/// other programs.
const MAX_COMMANDS: usize = 10;
/// The largest `COUNT` of a command, because Redis runs no other command in the meantime.
const MAX_COUNT: usize = 1000;

/// Sends `SCAN` to the server, or to every master of a Cluster, one after the other. A page may
/// have more keys than its limit.
///
/// The scan starts again from the beginning if a server was restarted or replaced, because its
/// positions are then invalid. It also starts again if slots of a Cluster have moved. The store
/// detects a restarted or replaced server only if its user may send `INFO`. In a Cluster, this
/// permission is required, and a page fails while a master does not reply. The keys of a slot that
/// is still moving when the scan ends may be missing.
///
/// A scan over an existing connection to a Cluster fails with [`ErrorKind::Configuration`]. A count
/// scans all keys.
#[async_trait]
impl Scan for RedisStore {
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        let call = self.call("scan");
        let position = after.map(Position::parse).transpose()?;
        let Servers { addresses, fingerprint } = Servers::read(&call).await?;
        let start = Position { servers: fingerprint, server: 0, cursor: 0 };
        let mut at = position.filter(|position| position.servers == start.servers).unwrap_or(start);
        let mut keys = Vec::new();
        for _ in 0..MAX_COMMANDS {
            let Some(address) = addresses.get(at.server) else { break };
            at.cursor = some_keys(&call, address, at.cursor, limit, &mut keys).await?;
            if at.cursor == 0 {
                at.server += 1;
            }
            if !keys.is_empty() {
                break;
            }
        }
        if at.server >= addresses.len() {
            let servers = Servers::read(&call).await?.fingerprint;
            if servers == at.servers {
                return Ok(KeyPage::new(keys, None));
            }
            at = Position { servers, ..start };
        }
        Ok(KeyPage::new(keys, Some(at.text())))
    }

    async fn count(&self, _now: SystemTime) -> Result<u64, Error> {
        let (mut count, mut after) = (0, None::<String>);
        loop {
            let page = self.scan(after.as_deref(), MAX_COUNT).await?;
            count += page.keys.len() as u64;
            after = page.next;
            if after.is_none() {
                return Ok(count);
            }
        }
    }
}

/// A position in the keys of all servers.
#[derive(Clone, Copy)]
struct Position {
    /// The fingerprint of the servers to which the position belongs.
    servers: u64,
    server: usize,
    cursor: u64,
}

impl Position {
    fn text(self) -> String {
        format!("{:x}.{}.{}", self.servers, self.server, self.cursor)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.split('.');
        let mut next = || parts.next();
        let parsed = (|| {
            Some(Self {
                servers: u64::from_str_radix(next()?, 16).ok()?,
                server: next()?.parse().ok()?,
                cursor: next()?.parse().ok()?,
            })
        })();
        parsed.filter(|parsed| parsed.text() == text).ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "scan position was not returned by this store")
        })
    }
}

/// The servers that have records.
struct Servers {
    /// An address in a Cluster, and otherwise an empty string.
    addresses: Vec<String>,
    /// A number that changes if a server is restarted, replaced, added or removed.
    fingerprint: u64,
}

impl Servers {
    async fn read(call: &Call<'_>) -> Result<Self, Error> {
        let checks = Checks { connection: call.connection, deadline: call.deadline };
        let servers = checks.servers().await;
        let is_cluster = servers.iter().any(|(address, _)| !address.is_empty());
        let mut slots = Vec::new();
        if call.connection.selects_servers() {
            slots = slots_of(call).await?;
            // If a master does not reply, the list of keys would be incomplete.
            let masters: BTreeSet<_> = slots.iter().map(|slots| &slots.master).collect();
            if !is_cluster || servers.len() < masters.len() {
                // redis-rs omits a master until a command shows that it has been replaced.
                call.connection.find_servers();
                let message = "a master of the Redis Cluster does not reply (scan)";
                let source = "it is down, or the user may not send INFO";
                return Err(Error::new(ErrorKind::Unavailable, message).with_source(source));
            }
        } else if is_cluster {
            let message = "existing connection to a Redis Cluster cannot be scanned; use \
                           RedisStore::cluster";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let mut hash = Sha256::new();
        hash.update(format!("{servers:?} {slots:?}"));
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&hash.finalize()[..8]);
        let addresses = servers.into_iter().map(|(address, _)| address).collect();
        Ok(Self { addresses, fingerprint: u64::from_be_bytes(fingerprint) })
    }
}

/// A range of slots and the id of their master.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Slots {
    first: u64,
    last: u64,
    master: String,
}

async fn slots_of(call: &Call<'_>) -> Result<Vec<Slots>, Error> {
    let reply = call.read(redis::cmd("CLUSTER").arg("SLOTS")).await;
    let reply = reply.map_err(|error| call.failed(error))?;
    let ranges: Vec<Vec<Value>> =
        redis::from_redis_value(reply).map_err(|_| call.unexpected_reply())?;
    let slots = ranges.into_iter().map(|range| {
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else {
            return None;
        };
        let master = redis::from_redis_value(master.get(2)?.clone()).ok()?;
        Some(Slots { first: first.cast_unsigned(), last: last.cast_unsigned(), master })
    });
    let mut slots: Vec<_> = slots.collect::<Option<_>>().ok_or_else(|| call.unexpected_reply())?;
    slots.sort_unstable();
    Ok(slots)
}

/// Sends one `SCAN` to a server, adds the keys of the reply, and returns the next cursor.
async fn some_keys(
    call: &Call<'_>,
    address: &str,
    cursor: u64,
    limit: usize,
    keys: &mut Vec<StoreKey>,
) -> Result<u64, Error> {
    let mut scan = redis::cmd("SCAN");
    scan.arg(cursor).arg("MATCH").arg(record_pattern(call.key_prefix));
    scan.arg("COUNT").arg(limit.clamp(1, MAX_COUNT));
    let reply = call.connection.send_to(address, &scan, call.deadline).await;
    let reply = reply.map_err(|error| call.failed(error))?;
    let (cursor, names): (u64, Vec<Vec<u8>>) =
        redis::from_redis_value(reply).map_err(|_| call.unexpected_reply())?;
    keys.extend(names.iter().filter_map(|name| key_of(call.key_prefix, name)));
    Ok(cursor)
}

#[cfg(test)]
mod tests {
    use fuzzing::Fuzz;

    use super::*;

    #[test]
    fn fuzzed_scan_position_has_one_spelling() {
        let samples = ["0.0.0", "9f3c.2.17", "ffffffffffffffff.18446744073709551615.1"];
        Fuzz::new("scan position", samples).words(&["+", ".", "0", "F"]).run(|input| {
            let Ok(text) = str::from_utf8(input) else { return false };
            let Ok(position) = Position::parse(text) else { return false };
            assert_eq!(position.text(), text);
            true
        });
    }
}
