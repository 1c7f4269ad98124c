//! A mutation fuzzer on stable Rust: it calls a decoder with mutations of valid inputs, truncated
//! inputs and random bytes.
//!
//! `FUZZ_INPUTS` sets the number of inputs, and `FUZZ_SEED` the seed. The same seed produces the
//! same inputs. A test that fails prints both.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod mutation;

use std::time::{Duration, Instant};

use fastrand::Rng;

/// The number of inputs in the test command.
const INPUTS: u64 = 100_000;
/// The time limit of one call. It is long, because a test machine may be busy.
const LONGEST: Duration = Duration::from_secs(5);

/// A test of one decoder.
#[derive(Debug)]
pub struct Fuzz {
    name: &'static str,
    samples: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    memory: u64,
}

impl Fuzz {
    /// Returns a test with valid inputs.
    ///
    /// # Panics
    ///
    /// Panics if `samples` is empty.
    pub fn new(name: &'static str, samples: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let samples: Vec<_> = samples.into_iter().map(|sample| sample.as_ref().into()).collect();
        assert!(!samples.is_empty(), "{name}: there is no valid input");
        Self { name, samples, words: Vec::new(), memory: 64 * 1024 }
    }

    /// Adds parts of the format, which are inserted and combined.
    #[must_use]
    pub fn words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| word.as_bytes().to_vec()));
        self
    }

    /// Sets how many bytes one call may allocate at once. The default is 64 KiB.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Calls the function with each input. It returns whether the decoder accepted the input.
    ///
    /// # Panics
    ///
    /// Panics if a call panics, takes too long or allocates too much, or if all inputs were
    /// accepted or all were refused.
    pub fn run(self, mut decode: impl FnMut(&[u8]) -> bool) {
        let inputs = number("FUZZ_INPUTS").unwrap_or(INPUTS);
        let seed = number("FUZZ_SEED").unwrap_or(1);
        let mut random = Rng::with_seed(seed);
        let mut accepted = 0;
        for index in 0..inputs {
            let input = mutation::input(&mut random, &self.samples, &self.words);
            let case = Case { name: self.name, seed, index, input: &input };
            accepted += u64::from(self.call(&mut decode, case));
        }
        println!("{}: {inputs} inputs with seed {seed}, {accepted} accepted", self.name);
        assert!(accepted > 0, "{}: the decoder accepts nothing", self.name);
        assert!(accepted < inputs, "{}: the decoder accepts everything", self.name);
    }

    fn call(&self, decode: &mut impl FnMut(&[u8]) -> bool, case: Case<'_>) -> bool {
        let (begun, mut accepted) = (Instant::now(), false);
        let used = allocation_counter::measure(|| accepted = decode(case.input)).bytes_max;
        assert!(begun.elapsed() < LONGEST, "one call took {:?}", begun.elapsed());
        assert!(used <= self.memory, "one call used {used} bytes; the limit is {}", self.memory);
        accepted
    }
}

/// One input, which is printed if its test fails.
struct Case<'a> {
    name: &'static str,
    seed: u64,
    index: u64,
    input: &'a [u8],
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { name, seed, index, input } = self;
            eprintln!("{name}: input {index} of FUZZ_SEED={seed}: {}", input.escape_ascii());
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn fails(decode: impl FnMut(&[u8]) -> bool) -> bool {
        let fuzz = Fuzz::new("test", ["valid text"]).words(&["word"]);
        catch_unwind(AssertUnwindSafe(|| fuzz.run(decode))).is_err()
    }

    #[test]
    fn careful_decoder_passes() {
        assert!(!fails(|input| input.starts_with(b"valid")));
    }

    #[test]
    fn careless_decoder_fails() {
        assert!(fails(|input| input[3] == b'i'), "an index beyond the end");
        assert!(fails(|input| std::str::from_utf8(input).unwrap().is_empty()), "other bytes");
        assert!(fails(|input| input.repeat(10_000).is_empty()), "memory");
        assert!(fails(|_| true), "no check at all");
        assert!(fails(|_| false), "a check that refuses everything");
        assert!(fails(|input| {
            assert!(!input.windows(8).any(|part| part == b"wordword"));
            input.is_empty()
        }));
    }

    #[test]
    fn same_seed_produces_same_inputs() {
        let inputs = |seed| {
            let mut random = Rng::with_seed(seed);
            let samples = [b"valid text".to_vec()];
            (0..100).map(|_| mutation::input(&mut random, &samples, &[])).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }
}
