//! The pauses before the repetition of a statement that the database rolled back.
//!
//! Without pauses, two deadlocked statements would deadlock again, and retries would add load to a
//! busy server.

use std::time::Duration;

/// The maximum number of repetitions. The deadline of the call may end them earlier.
const MAX_REPETITIONS: u32 = 8;
/// The longest first pause. Each further pause can be twice as long.
const FIRST: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    repetitions: u32,
}

impl Backoff {
    /// Waits before the next repetition. Returns `false` immediately if the statement must not be
    /// repeated again.
    pub(super) async fn wait(&mut self) -> bool {
        let Some(longest) = self.next() else { return false };
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
        true
    }

    /// Returns the longest pause before the next repetition.
    fn next(&mut self) -> Option<Duration> {
        let doubled = FIRST.saturating_mul(1 << self.repetitions.min(16));
        self.repetitions += 1;
        (self.repetitions <= MAX_REPETITIONS).then(|| doubled.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_longest_and_end() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = std::iter::from_fn(|| backoff.next()).collect();
        assert_eq!(pauses, [4, 8, 16, 32, 64, 128, 200, 200].map(Duration::from_millis));
        assert_eq!(backoff.next(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_random_and_bounded() {
        let mut different = std::collections::HashSet::new();
        for _ in 0..20 {
            let start = tokio::time::Instant::now();
            let mut backoff = Backoff::default();
            while backoff.wait().await {}
            different.insert(start.elapsed());
            assert!(start.elapsed() <= Duration::from_millis(700), "{:?}", start.elapsed());
        }
        assert!(different.len() > 1, "{different:?}");
    }
}
