//! Sessions as files in a directory: a whole [`SessionStore`], to learn from when you write your own.
//!
//! Each record is a file, named by its key in hexadecimal, in one of 256 shards of the directory. Whoever changes a shard holds
//! the lock of its file `lock`, which the operating system gives to one at a time and takes back from a process that dies.
//! This is for a local disk: over a network such locks may not hold. A file that is no record fails each call on its key
//! until somebody removes it: as an absent one it would be lost.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Sweep, Version};
use session_core::{Error, ErrorKind, async_trait};

/// Records in the files of a directory, which any number of processes may open at once. Its calls need a tokio runtime.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// The store in this directory, which is made, for this user alone, if it is not there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if it cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self { directory: directory.into() };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = (0..=u8::MAX).try_for_each(|shard| builder.create(store.shard(shard)));
        made.and_then(|()| sync(&store.directory)).map_err(error).map(|()| store)
    }

    fn shard(&self, shard: u8) -> PathBuf {
        self.directory.join(format!("{shard:02x}"))
    }

    /// Puts what `new` makes of the record at the `expected` version in its place, or nothing if it makes none; alone
    /// among all threads and processes. False, and no change, if that version is not there.
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
    /// Takes no lock, and never reads half a record: a rename put the whole file there.
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let file = self.shard(key.as_bytes()[0]).join(HEXLOWER.encode(key.as_bytes()));
        blocking(move || read(&file)).await
    }

    /// Expects no record, as the others expect theirs: a rename alone would overwrite the one that must stay.
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let new = Record::new(new_version()?, record);
        let version = new.version();
        let created = self.change(key, None, |_| Some(new)).await?;
        created
            .then_some(version)
            .ok_or_else(|| Error::new(ErrorKind::Backend, "there is a record under a new key"))
    }

    /// Compares under the lock: else another process could write between the comparison and the write.
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

    /// Writes the whole record anew: a file that is changed in its place is torn by a kill.
    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let version = new_version()?;
        self.change(key, Some(expected), move |old| Some(old?.touched(version, expires_at))).await
    }

    /// Waits until the directory is on the disk: else a power failure could bring an ended session back.
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.change(key, Some(expected), |_| None).await
    }
}

#[async_trait]
impl Sweep for FileStore {
    /// Reads and removes under one lock: a record that is renewed meanwhile stays. Nobody writes the temporary files
    /// that it finds then: a process that was killed left them.
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

/// What stands before the payload, as one line of JSON.
#[derive(Deserialize, Serialize)]
struct Header {
    version: u64,
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<String>,
    length: usize,
}

const TEMPORARY: &str = "new";

fn decode(bytes: &[u8]) -> Option<Record> {
    let (header, payload) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
    let (header, payload) = (serde_json::from_slice::<Header>(header).ok()?, &payload[1..]);
    let record = NewRecord::new(payload, header.created_at, header.expires_at)
        .owned_by(header.owner.as_deref());
    (payload.len() == header.length).then(|| Record::new(Version::new(header.version), &record))
}

fn read(file: &Path) -> io::Result<Option<Record>> {
    match fs::read(file) {
        // Says nothing of what is in the file: an error ends up in a log.
        Ok(bytes) => decode(&bytes)
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no record")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Never writes into the file itself. The bytes reach the disk before the name: else a power failure could empty it.
fn write(file: &Path, record: &Record) -> io::Result<()> {
    let (created_at, expires_at) = (record.created_at(), record.expires_at());
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

/// Locks a shard until the file is closed. Nobody removes the lock's file: two processes could then lock two.
fn lock(shard: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(shard.join("lock"))?;
    file.lock().map(|()| file)
}

/// Makes the names in a directory last; only Unix can and must be told.
fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// 64 random bits: a number that was counted up in the file would come again after the record was removed and created.
fn new_version() -> Result<Version, Error> {
    getrandom::u64().map(Version::new).map_err(|failed| error(failed.into()))
}

/// Runs off the async threads, and to its end even if the caller's future is dropped.
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
