//! The events of the current thread, as text.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once};

thread_local! {
    static INSTALLED: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// The log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Ends the log of this thread.
pub(crate) struct LogGuard;

impl Log {
    /// Collects the events of this thread until the guard is dropped.
    ///
    /// The subscriber is that of the process. With a subscriber per thread, an event that another
    /// thread emits first would be disabled for all.
    pub(crate) fn install(&self) -> LogGuard {
        static GLOBAL: Once = Once::new();
        GLOBAL.call_once(|| {
            let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(installed);
            tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
            tracing::callsite::rebuild_interest_cache();
        });
        INSTALLED.set(Some(self.clone()));
        LogGuard
    }

    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

fn installed() -> Log {
    INSTALLED.with_borrow(|log| log.clone().unwrap_or_default())
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        INSTALLED.set(None);
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
