//! Free ports that no other process which uses this crate is given at the same time.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Where Redis listens for the other nodes of a Cluster, counted from its port.
const CLUSTER_BUS: u16 = 10_000;

/// A port on 127.0.0.1 that stays reserved until this is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Ports of this range, and those of their Cluster buses, lie below the range from which Linux takes the local ports of
    /// connections, so a server finds its port free when it comes back.
    pub(crate) fn reserve() -> Port {
        (0..1000)
            .find_map(|_| Self::try_reserve(fastrand::u16(11_000..20_000)))
            .expect("one of the ports from 11000 to 19999 is free")
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    fn try_reserve(number: u16) -> Option<Port> {
        let folder = lock_folder();
        fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(number.to_string()))
            .expect("the folder for temporary files is writable");
        lock.try_lock().ok()?;
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        (is_free(number) && is_free(number + CLUSTER_BUS)).then_some(Port { number, _lock: lock })
    }
}

fn lock_folder() -> PathBuf {
    std::env::temp_dir().join(format!("test-servers-ports-of-{}", user()))
}

/// The number of the user that this process runs as; 0 is root.
pub(crate) fn user() -> u32 {
    fs::metadata("/proc/self").expect("this is Linux").uid()
}
