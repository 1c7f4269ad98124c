//! Random nonces from a generator in the process.

use std::cell::RefCell;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use session_core::{Error, ErrorKind};

thread_local! {
    static GENERATOR: RefCell<Option<ChaCha12Rng>> = const { RefCell::new(None) };
}

/// Returns a random nonce.
///
/// The operating system seeds a generator for each thread, because a system call for each nonce
/// takes a tenth of the time of a save. A cloned process or machine repeats nonces, which
/// AES-GCM-SIV allows.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    GENERATOR.with_borrow_mut(|generator| {
        let generator = match generator {
            Some(generator) => generator,
            None => generator.insert(ChaCha12Rng::from_seed(seed()?)),
        };
        let mut nonce = [0; N];
        generator.fill_bytes(&mut nonce);
        Ok(nonce)
    })
}

fn seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        let message = "cannot read random bytes from the operating system";
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn nonces_of_all_threads_differ() {
        let some = || (0..1000).map(|_| random::<12>().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(some)).collect();
        let nonces: HashSet<_> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(nonces.len(), 4000);
    }
}
