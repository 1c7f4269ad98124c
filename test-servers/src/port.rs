//! Free ports. Processes that use this crate at the same time get different ports.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The offset of the Cluster bus port of Redis from its port.
const CLUSTER_BUS: u16 = 10_000;

/// A port on 127.0.0.1 that stays reserved until drop.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a port, and the port of its Cluster bus, below the range from which Linux takes the
    /// local ports of connections. Therefore both are still free when a server restarts.
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

/// Returns the user id of this process; 0 is root.
pub(crate) fn user() -> u32 {
    fs::metadata("/proc/self").expect("this is Linux").uid()
}
