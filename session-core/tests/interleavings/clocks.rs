//! The clocks of the processes, and their changes.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use session_core::{Clock as _, ManualClock};

/// The start of the session, by the first process.
const START: SystemTime = SystemTime::UNIX_EPOCH;
/// The time before the start, so that clocks may be behind.
const EPOCH: Duration = Duration::from_secs(1000 * 3600);

/// A change of the clocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tick {
    /// Time passes in all processes.
    Pass(u64),
    /// An administrator changes the clock of one process by this many seconds.
    Jump(usize, i64),
}

/// The time in seconds by which the clock of each process is ahead.
pub(crate) type Skew = [i64; 3];

#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    of_processes: Vec<ManualClock>,
    /// The times that they have before the first step.
    start: Vec<SystemTime>,
    /// The earliest and the latest time that a clock had.
    range: Rc<Cell<(SystemTime, SystemTime)>>,
}

impl Clocks {
    pub(crate) fn new(processes: usize, skew: Skew) -> Self {
        let clock = |process: usize| ManualClock::at(shifted(START + EPOCH, skew[process]));
        let clocks: Vec<_> = (0..processes).map(clock).collect();
        let start: Vec<_> = clocks.iter().map(ManualClock::now).collect();
        let range = Rc::new(Cell::new((start[0], start[0])));
        Self { of_processes: clocks, start, range }
    }

    pub(crate) fn all(&self) -> &[ManualClock] {
        &self.of_processes
    }

    /// Lets all orders start later.
    pub(crate) fn start_later(&mut self, by: Duration) {
        self.start.iter_mut().for_each(|time| *time += by);
    }

    /// Sets the times that the clocks have before the first step.
    pub(crate) fn reset(&self) {
        self.of_processes.iter().zip(&self.start).for_each(|(clock, time)| clock.set(*time));
        let began = START + EPOCH;
        self.range.set((began, began));
        self.note();
    }

    /// Returns the earliest and the latest time that a clock had, since the start of the session.
    pub(crate) fn range(&self) -> (SystemTime, SystemTime) {
        self.range.get()
    }

    pub(crate) fn apply(&self, tick: Tick) {
        match tick {
            Tick::Pass(seconds) => self.pass(Duration::from_secs(seconds)),
            Tick::Jump(process, seconds) => {
                let clock = &self.of_processes[process % self.of_processes.len()];
                clock.set(shifted(clock.now(), seconds));
                self.note();
            }
        }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.of_processes.iter().for_each(|clock| clock.advance(time));
        self.note();
    }

    fn note(&self) {
        let (earliest, latest) = self.range.get();
        let times = || self.of_processes.iter().map(ManualClock::now);
        let earliest = times().fold(earliest, SystemTime::min);
        self.range.set((earliest, times().fold(latest, SystemTime::max)));
    }
}

fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { time - by } else { time + by }
}
