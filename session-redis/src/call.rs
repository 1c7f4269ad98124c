//! One call of the store: its commands, its deadline and its errors.

use std::error::Error as _;

use futures_util::future::join;
use redis::{Cmd, RedisError, RedisResult, Value};
use session_core::store::{MAX_CLOCK_SKEW, Record, StoreKey, Version};
use session_core::{Error, ErrorKind};
use tokio::time::Instant;

use crate::compare::{LONGEST_SAVED, Learned};
use crate::connection::Connection;
use crate::error::{failed, is_of_another_type, newer_format};
use crate::names::{list_name, record_name};
use crate::record::{self, Decoded, Listed};
use crate::scripts::{LIST, Lua, RELIST, REPLACE, UNLIST};

/// The time in milliseconds that a key stays on its owner's list after Redis removed the record. In
/// a Cluster, the clocks of the nodes differ.
pub(crate) const MARGIN: u64 = MAX_CLOCK_SKEW.as_secs() * 1000;

/// One call of the store. All its commands end by its deadline.
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) connection: &'a dyn Connection,
    pub(crate) learned: &'a Learned,
    pub(crate) key_prefix: &'a str,
    pub(crate) deadline: Instant,
}

/// The result of a script on a record.
pub(crate) enum Changed {
    /// Nothing changed. The record has another version or does not exist.
    Stale,
    /// Nothing changed. The key must be added to the list of this owner first.
    Unlisted(Vec<u8>),
    /// The record changed. If the old record had an owner, the value is the entry in that owner's
    /// list, unless the call itself created the entry.
    Done(Option<Listing>),
}

/// An entry of an owner's list.
pub(crate) struct Listing {
    pub(crate) owner: Vec<u8>,
    /// The time until which the key is listed.
    pub(crate) until: Listed,
}

impl Call<'_> {
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        self.connection.send(command, self.deadline).await
    }

    /// Returns whether a later write may compare a record of this length as a whole.
    pub(crate) fn compares(&self, length: usize) -> bool {
        length <= LONGEST_SAVED && self.learned.compares()
    }

    /// Attaches the bytes of a record to its version if a later write may compare them.
    pub(crate) fn with_stored(&self, version: Version, bytes: Vec<u8>) -> Version {
        if self.compares(bytes.len()) { version.with_stored(bytes) } else { version }
    }

    /// Sends a command that only reads, and repeats it over a new connection if the connection was
    /// lost.
    pub(crate) async fn read(&self, command: &Cmd) -> RedisResult<Value> {
        match self.send(command).await {
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => {
                self.send(command).await
            }
            reply => reply,
        }
    }

    /// Fails if the value under a key is a record of a newer format.
    pub(crate) async fn check_format(&self, key: &StoreKey) -> Result<(), Error> {
        let name = record_name(self.key_prefix, key);
        let mut get = redis::cmd("GETRANGE");
        match self.read(get.arg(name).arg(0).arg(1)).await {
            Ok(Value::BulkString(start)) if record::is_newer(&start) => {
                Err(newer_format(self.name))
            }
            _ => Ok(()),
        }
    }

    /// Reads the value of a record.
    pub(crate) async fn get(&self, name: &[u8]) -> RedisResult<Value> {
        self.read(Cmd::with_capacity(2, 3 + name.len()).arg("GET").arg(name)).await
    }

    /// Returns the record in the reply to a read of its value.
    pub(crate) fn loaded(
        &self,
        key: &StoreKey,
        reply: RedisResult<Value>,
    ) -> Result<Option<Record>, Error> {
        match reply {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(bytes)) => {
                match record::decode(&bytes, self.compares(bytes.len())) {
                    Decoded::Record(record) => Ok(Some(record)),
                    Decoded::Newer => Err(newer_format(self.name)),
                    Decoded::Foreign => {
                        warn_of_foreign_value(key);
                        Ok(None)
                    }
                }
            }
            Err(error) if is_of_another_type(&error) => {
                warn_of_foreign_value(key);
                Ok(None)
            }
            Ok(_) => Err(self.unexpected_reply()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Runs a script on a record. A value of another type has no version, so the result is
    /// [`Changed::Stale`].
    pub(crate) async fn change(
        &self,
        script: &Lua,
        key: &StoreKey,
        arguments: &[&[u8]],
    ) -> Result<Changed, Error> {
        let name = record_name(self.key_prefix, key);
        match script.run(self.connection, self.deadline, &name, arguments).await {
            Err(error) if is_of_another_type(&error) => {
                warn_of_foreign_value(key);
                Ok(Changed::Stale)
            }
            Err(error) => Err(self.failed(error)),
            Ok(Value::Int(-1)) => Err(newer_format(self.name)),
            Ok(reply) => Changed::from_reply(reply).ok_or_else(|| self.unexpected_reply()),
        }
    }

    /// Replaces a record by a record with an owner, unless the key must be listed first. Restores a
    /// lost entry in the list if the owner is the same.
    pub(crate) async fn replace_listed(
        &self,
        key: &StoreKey,
        owner: &str,
        arguments: &[&[u8]],
    ) -> Result<Changed, Error> {
        // Both commands share a round trip.
        let replacing = self.change(&REPLACE, key, arguments);
        let (until, replaced) = join(self.listed_until(key, owner.as_bytes()), replacing).await;
        match replaced? {
            Changed::Done(Some(listing)) => {
                self.relist_unless(key, &listing, until).await;
                Ok(Changed::Done(None))
            }
            other => Ok(other),
        }
    }

    /// Returns the keys on an owner's list.
    pub(crate) async fn listed(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let name = list_name(self.key_prefix, owner.as_bytes());
        let listed = self.read(redis::cmd("ZRANGE").arg(name).arg(0).arg(-1)).await;
        let Value::Array(members) = listed.map_err(|error| self.failed(error))? else {
            return Err(self.unexpected_reply());
        };
        let key = |member| match member {
            Value::BulkString(bytes) => Some(StoreKey::from_bytes(bytes.try_into().ok()?)),
            _ => None,
        };
        Ok(members.into_iter().filter_map(key).collect())
    }

    /// Adds a key to its owner's list for this number of milliseconds. Returns the time until which
    /// the key is listed.
    pub(crate) async fn list(
        &self,
        key: &StoreKey,
        owner: &[u8],
        time: u64,
    ) -> Result<Listed, Error> {
        match self.on_list(&LIST, owner, key, &decimal(time)).await? {
            Value::Int(listed) => Ok(listed.cast_unsigned()),
            _ => Err(self.unexpected_reply()),
        }
    }

    /// Restores a key in its owner's list if Redis evicted or lost the entry. If this call fails,
    /// the next write of the record tries again.
    pub(crate) async fn relist(&self, key: &StoreKey, listing: Option<&Listing>) {
        let Some(listing) = listing else { return };
        let session = key.log_name();
        match self.on_list(&RELIST, &listing.owner, key, &decimal(listing.until)).await {
            Ok(Value::Int(1)) => {
                tracing::warn!(%session, "a session was missing from its owner's list; it is listed again");
            }
            Ok(_) => {}
            Err(error) => log_unchecked(key, &error),
        }
    }

    /// Restores a key in its owner's list unless the entry lasts until the required time. `until`
    /// is the result of reading the entry.
    pub(crate) async fn relist_unless(
        &self,
        key: &StoreKey,
        listing: &Listing,
        until: Result<Option<f64>, Error>,
    ) {
        // The scores of a sorted set are exact for times in milliseconds.
        #[expect(clippy::cast_precision_loss)]
        let needed = listing.until as f64;
        match until {
            Err(error) => log_unchecked(key, &error),
            Ok(Some(until)) if until >= needed => {}
            Ok(_) => self.relist(key, Some(listing)).await,
        }
    }

    /// Returns the time until which a key is on an owner's list.
    pub(crate) async fn listed_until(
        &self,
        key: &StoreKey,
        owner: &[u8],
    ) -> Result<Option<f64>, Error> {
        let name = list_name(self.key_prefix, owner);
        let until = self.send(redis::cmd("ZSCORE").arg(name).arg(key.as_bytes())).await;
        until
            .and_then(|until| Ok(redis::from_redis_value(until)?))
            .map_err(|error| self.failed(error))
    }

    /// Removes a key from the list of its former owner. If this call fails, the key stays on the
    /// list until the time of its entry.
    pub(crate) async fn unlist(&self, key: &StoreKey, listing: Option<&Listing>) {
        let Some(listing) = listing else { return };
        let until = decimal(listing.until);
        if let Err(error) = self.on_list(&UNLIST, &listing.owner, key, &until).await {
            let (session, source) = (key.log_name(), error.source());
            tracing::debug!(%session, %error, source, "a session stays on the list of its former owner");
        }
    }

    async fn on_list(
        &self,
        script: &Lua,
        owner: &[u8],
        key: &StoreKey,
        argument: &[u8],
    ) -> Result<Value, Error> {
        let name = list_name(self.key_prefix, owner);
        let reply =
            script.run(self.connection, self.deadline, &name, &[key.as_bytes(), argument]).await;
        reply.map_err(|error| self.failed(error))
    }

    pub(crate) fn failed(&self, error: RedisError) -> Error {
        failed(self.name, error)
    }

    pub(crate) fn unexpected_reply(&self) -> Error {
        let message = format!("redis returned an unexpected reply ({})", self.name);
        Error::new(ErrorKind::Backend, message).with_source("the reply has another type")
    }
}

impl Changed {
    fn from_reply(reply: Value) -> Option<Self> {
        match reply {
            Value::Int(0) => Some(Self::Stale),
            Value::Int(1) => Some(Self::Done(None)),
            Value::BulkString(owner) => Some(Self::Unlisted(owner)),
            Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
                Ok([Value::BulkString(owner), Value::Int(until)]) => {
                    Some(Self::Done(Some(Listing { owner, until: until.cast_unsigned() })))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

pub(crate) fn decimal(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn log_unchecked(key: &StoreKey, error: &Error) {
    let (session, source) = (key.log_name(), error.source());
    tracing::debug!(%session, %error, source, "the entry of a session in its owner's list could not be checked");
}

fn warn_of_foreign_value(key: &StoreKey) {
    tracing::warn!(
        session = %key.log_name(),
        "redis key of a session has a value of another program; treating it as absent"
    );
}
