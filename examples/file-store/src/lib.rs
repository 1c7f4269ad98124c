//! Sessions as files in a directory. This is a complete [`SessionStore`] as an example for your own
//! store.
//!
//! Each record is a file, named by its key in hexadecimal, in one of 256 shards of the directory.
//! Each change holds the lock of the shard's file `lock`. The operating system releases the lock of
//! a process that is killed.
//!
//! Use a local disk, because file locks can fail on a network file system. If a file is not a valid
//! record, each call on its key fails until an operator removes the file. Treating the file as
//! absent would lose the session.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Sweep, Version};
use session_core::{Error, ErrorKind, async_trait};

/// A store of records in the files of a directory. Any number of processes can open the directory
/// at the same time. The methods need a tokio runtime.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// Opens the store in this directory. Creates the directory, for this user only, if it does not
    /// exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the directory cannot be created.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self { directory: directory.into() };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = (0..=u8::MAX).try_for_each(|shard| builder.create(store.shard(shard)));
        made.and_then(|()| sync(&store.directory)).map_err(error).map(|()| store)
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn shard(&self, shard: u8) -> PathBuf {
        self.directory.join(format!("{shard:02x}"))
    }

    /// Replaces the record at the `expected` version by the result of `new`, or removes it if the
    /// result is `None`. Excludes all other threads and processes. Returns `false` and changes
    /// nothing if the record has another version or does not exist.
    async fn change<F>(
        &self,
        key: &StoreKey,
        expected: Option<Version>,
        new: F,
    ) -> Result<bool, Error>
    where
        F: FnOnce(Option<Record>) -> Option<Record> + Send + 'static,
    {
        let (shard, name) = (self.shard(key.as_bytes()[0]), HEXLOWER.encode(key.as_bytes()));
        blocking(move || {
            let _lock = lock(&shard)?;
            let file = shard.join(name);
            let old = read(&file)?;
            if old.as_ref().map(Record::version) != expected {
                return Ok(false);
            }
            new(old).map_or_else(|| fs::remove_file(&file), |record| write(&file, &record))?;
            sync(&shard).map(|()| true)
        })
        .await
    }
}

#[async_trait]
impl SessionStore for FileStore {
    /// Acquires no lock, and never reads an incomplete record, because a rename replaces the whole
    /// file.
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let file = self.shard(key.as_bytes()[0]).join(HEXLOWER.encode(key.as_bytes()));
        blocking(move || read(&file)).await
    }

    /// Checks that no record exists, because a rename alone would overwrite it.
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let new = Record::new(new_version()?, record);
        let version = new.version();
        let created = self.change(key, None, |_| Some(new)).await?;
        created.then_some(version).ok_or_else(|| {
            Error::new(ErrorKind::Backend, "a record already exists under the new key")
        })
    }

    /// Compares the versions under the lock. Otherwise another process could write between the
    /// comparison and the write.
    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let new = Record::new(new_version()?, record);
        let version = new.version();
        let done = self.change(key, Some(expected), |_| Some(new)).await?;
        Ok(if done { Replaced::Done(version) } else { Replaced::Stale })
    }

    /// Writes the whole record again, because a kill during a change in place would leave a torn
    /// file.
    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let version = new_version()?;
        self.change(key, Some(expected), move |old| Some(old?.touched(version, expires_at))).await
    }

    /// Waits until the directory is on the disk. Otherwise a power failure could restore a removed
    /// session.
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.change(key, Some(expected), |_| None).await
    }
}

#[async_trait]
impl Sweep for FileStore {
    /// Reads and removes under one lock, so a record that is renewed in the meantime remains. Also
    /// removes temporary files. Under the lock, all of them are from killed processes.
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let store = self.clone();
        blocking(move || {
            let mut swept = 0;
            for shard in (0..=u8::MAX).map(|shard| store.shard(shard)) {
                let _lock = lock(&shard)?;
                for entry in fs::read_dir(shard)? {
                    let file = entry?.path();
                    let expired = |record: Option<Record>| {
                        record.is_some_and(|record| record.expires_at() < now)
                    };
                    if file.extension().is_some_and(|extension| extension == TEMPORARY) {
                        fs::remove_file(file)?;
                    } else if swept < limit && read(&file).is_ok_and(expired) {
                        fs::remove_file(file)?;
                        swept += 1;
                    }
                }
            }
            Ok(swept)
        })
        .await
    }
}

/// The header before the payload, as one line of JSON.
#[derive(Deserialize, Serialize)]
struct Header {
    version: u64,
    created_at: Since1970,
    expires_at: Since1970,
    owner: Option<String>,
    length: usize,
}

/// The distance of a time from 1970, as `Err` for a time before 1970. serde cannot write a
/// `SystemTime` before 1970.
type Since1970 = Result<Duration, Duration>;

const TEMPORARY: &str = "new";

fn since_1970(time: SystemTime) -> Since1970 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_err(|earlier| earlier.duration())
}

fn time(since_1970: Since1970) -> Option<SystemTime> {
    match since_1970 {
        Ok(after) => SystemTime::UNIX_EPOCH.checked_add(after),
        Err(before) => SystemTime::UNIX_EPOCH.checked_sub(before),
    }
}

fn decode(bytes: &[u8]) -> Option<Record> {
    let (header, payload) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
    let (header, payload) = (serde_json::from_slice::<Header>(header).ok()?, &payload[1..]);
    let record = NewRecord::new(payload, time(header.created_at)?, time(header.expires_at)?)
        .owned_by(header.owner.as_deref());
    (payload.len() == header.length).then(|| Record::new(Version::new(header.version), &record))
}

fn read(file: &Path) -> io::Result<Option<Record>> {
    match fs::read(file) {
        // The error does not contain the contents of the file, because errors are logged.
        Ok(bytes) => decode(&bytes)
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no record")),
        // A missing directory, for example one that is not mounted, does not show that a record is
        // absent.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            file.parent().map_or(Ok(()), |shard| fs::metadata(shard).map(drop)).map(|()| None)
        }
        Err(error) => Err(error),
    }
}

/// Replaces the file by a rename, and never writes into the existing file. The bytes reach the disk
/// before the rename. Otherwise a power failure could leave an empty file.
fn write(file: &Path, record: &Record) -> io::Result<()> {
    let (created_at, expires_at) =
        (since_1970(record.created_at()), since_1970(record.expires_at()));
    let (version, owner, length) =
        (record.version().get(), record.owner().map(str::to_owned), record.payload().len());
    let mut bytes = serde_json::to_vec(&Header { version, created_at, expires_at, owner, length })?;
    bytes.push(b'\n');
    bytes.extend_from_slice(record.payload());
    let temporary = file.with_extension(TEMPORARY);
    let mut new = File::create(&temporary)?;
    new.write_all(&bytes)?;
    new.sync_all()?;
    fs::rename(temporary, file)
}

/// Locks a shard until the returned file is closed. The lock file is never removed. Otherwise two
/// processes could lock different files.
fn lock(shard: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(shard.join("lock"))?;
    file.lock().map(|()| file)
}

/// Makes the names in a directory durable. Only Unix needs and supports this.
fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Returns 64 random bits. A counter in the file would repeat after the record is removed and
/// created again.
fn new_version() -> Result<Version, Error> {
    getrandom::u64().map(Version::new).map_err(|failed| error(failed.into()))
}

/// Runs the work on a blocking thread, and to completion even if the caller's future is dropped.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(stopped.into()))
        .map_err(error)
}

fn error(source: io::Error) -> Error {
    let malformed = source.kind() == io::ErrorKind::InvalidData;
    let kind = if malformed { ErrorKind::Backend } else { ErrorKind::Unavailable };
    Error::new(kind, "the file store failed").with_source(source)
}
