//! Kills a writing process at random moments. No record is torn, lost or locked forever.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::future::Future;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use file_store::FileStore;
use session_core::store::{NewRecord, Replaced, SessionStore, StoreKey, Sweep};
use support::{child, child_directory, directory, repetitions, runtime};
use tokio::task::JoinSet;

/// The number of kills, unless `FILE_STORE_KILLS` sets it.
const KILLS: u64 = 200;
const SESSIONS: u8 = 4;
const END: SystemTime = SystemTime::UNIX_EPOCH;
/// Much longer than any call takes; detects a lock that stays held.
const PATIENCE: Duration = Duration::from_secs(10);

fn key(session: u8) -> StoreKey {
    // Two sessions share a shard, so that they wait for each other.
    let mut bytes = [session; 32];
    bytes[0] = session / 2;
    StoreKey::from_bytes(bytes)
}

/// Returns 1 to 64 KiB that repeat the number. Payloads of different numbers have no common part.
fn payload(number: u64) -> Vec<u8> {
    let repeated = fastrand::Rng::with_seed(number).usize(128..=8 * 1024);
    number.to_le_bytes().repeat(repeated)
}

/// Returns the number of a complete payload.
fn number(payload_read: &[u8]) -> u64 {
    let number = u64::from_le_bytes(*payload_read.first_chunk().unwrap());
    assert!(payload_read == payload(number), "the record of number {number} is torn");
    number
}

/// Returns the stored numbers.
async fn stored(store: &FileStore) -> Vec<u64> {
    let mut numbers = Vec::new();
    for session in 0..SESSIONS {
        numbers.push(number(store.load(&key(session)).await.unwrap().unwrap().payload()));
    }
    numbers
}

/// Replaces the record of a session by that of the next number.
async fn replace(store: &FileStore, session: u8) -> u64 {
    let old = store.load(&key(session)).await.unwrap().unwrap();
    let next = number(old.payload()) + 1;
    let bytes = payload(next);
    let record = NewRecord::new(&bytes, old.created_at(), old.expires_at());
    let Replaced::Done(_) = store.replace(&key(session), old.version(), &record).await.unwrap()
    else {
        panic!("another writer replaced the record");
    };
    next
}

async fn replace_all(store: &FileStore) -> Vec<u64> {
    let mut numbers = Vec::new();
    for session in 0..SESSIONS {
        numbers.push(replace(store, session).await);
    }
    numbers
}

/// The child: replaces all records forever, and reports each stored number. It ends when its output
/// is closed.
async fn replace_for_ever(store: FileStore) {
    let mut writers = JoinSet::new();
    for session in 0..SESSIONS {
        writers.spawn(replace_one_for_ever(store.clone(), session));
    }
    while let Some(failed) = writers.join_next().await {
        failed.unwrap();
    }
}

async fn replace_one_for_ever(store: FileStore, session: u8) {
    loop {
        let number = replace(&store, session).await;
        // One write, so that a kill does not tear the line.
        io::stderr().write_all(format!("{session} {number}\n").as_bytes()).unwrap();
    }
}

/// Sweeps while the child writes, then kills it at a random moment. Returns the last number that
/// the child reported for each session.
fn kill(mut child: Child, store: &FileStore, before: &[u64]) -> Vec<u64> {
    let mut acknowledged = before.to_vec();
    let mut note = |report: io::Result<String>| {
        let report = report.unwrap();
        let Some((session, number)) = report.split_once(' ') else {
            panic!("the child failed: {report}")
        };
        let session: usize =
            session.parse().unwrap_or_else(|_| panic!("the child failed: {report}"));
        acknowledged[session] = number.parse().unwrap();
    };
    let mut reports = BufReader::new(child.stderr.take().unwrap()).lines();
    note(reports.next().unwrap());
    assert_eq!(sweep(store), 0);
    thread::sleep(Duration::from_micros(fastrand::u64(0..10_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    reports.for_each(note);
    acknowledged
}

/// Sweeps at the expiry of the records, when none of them may be removed.
fn sweep(store: &FileStore) -> usize {
    let store = store.clone();
    in_time(async move { store.sweep(END, 1000).await.unwrap() })
}

/// Returns the number of half-written files.
fn leftovers(directory: &Path) -> usize {
    let shards = fs::read_dir(directory).unwrap().map(|shard| shard.unwrap().path());
    let files =
        shards.flat_map(|shard| fs::read_dir(shard).unwrap()).map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "new")).count()
}

/// Returns the result of a future, and panics if it hangs.
fn in_time<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(runtime().block_on(work)));
    receiver
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|error| panic!("the store did not continue: {error}"))
}

#[test]
fn killed_writer_leaves_whole_records_and_no_lock() {
    let test = "killed_writer_leaves_whole_records_and_no_lock";
    if let Some(directory) = child_directory() {
        runtime().block_on(replace_for_ever(FileStore::open(directory).unwrap()));
        return;
    }
    let directory = directory();
    let store = FileStore::open(directory.path()).unwrap();
    let mut before = vec![0; usize::from(SESSIONS)];
    in_time({
        let store = store.clone();
        async move {
            for session in 0..SESSIONS {
                let bytes = payload(0);
                store.create(&key(session), &NewRecord::new(&bytes, END, END)).await.unwrap();
            }
        }
    });
    let mut interrupted = 0;
    for _ in 0..repetitions("FILE_STORE_KILLS", KILLS) {
        let acknowledged = kill(child(test, directory.path()).spawn().unwrap(), &store, &before);
        interrupted += usize::from(leftovers(directory.path()) > 0);
        let (after, next) = in_time({
            let store = store.clone();
            async move { (stored(&store).await, replace_all(&store).await) }
        });
        for (after, acknowledged) in after.into_iter().zip(acknowledged) {
            assert!(
                after == acknowledged || after == acknowledged + 1,
                "{after} is stored after {acknowledged}"
            );
        }
        before = next;
    }
    assert!(interrupted > 0, "no kill came in the middle of a write");

    fs::write(directory.path().join("00").join(format!("{}.new", "0".repeat(64))), "half a rec")
        .unwrap();
    assert_eq!(sweep(&store), 0);
    assert_eq!(leftovers(directory.path()), 0);
    assert_eq!(in_time(async move { stored(&store).await }), before);
}
