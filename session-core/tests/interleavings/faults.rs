//! The faults of an order.

/// One fault, which happens when a request has made a number of store calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) request: usize,
    pub(crate) calls: usize,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FaultKind {
    /// The next call is carried out, but its reply is lost.
    Lost,
    /// The next call fails and is carried out at any later step.
    Late,
    /// The next call fails and is never carried out.
    Never,
    /// As `Lost`, and all later calls of the request fail.
    LostThenDown,
    /// As `Late`, and all later calls of the request fail.
    LateThenDown,
    /// As `Lost`, and the lookup after it fails.
    LostWithLookup,
    /// The client disconnects: the request ends at its next await.
    Cut,
    /// As `Cut`, and the call on its way is carried out at any later step.
    CutLate,
    /// The future of a manual save is dropped at its next await.
    SaveDropped,
    /// As `SaveDropped`, and the call on its way is carried out at any later step.
    SaveDroppedLate,
}

/// The end of a store call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Replied,
    ReplyLost,
    Delayed,
    Refused,
}

impl FaultKind {
    /// All but `LostWithLookup`, which only matters to requests that continue after a failed save.
    pub(crate) const ALL: [Self; 9] = [
        Self::Lost,
        Self::Late,
        Self::Never,
        Self::LostThenDown,
        Self::LateThenDown,
        Self::Cut,
        Self::CutLate,
        Self::SaveDropped,
        Self::SaveDroppedLate,
    ];

    /// The faults after which no call is carried out later.
    pub(crate) const PROMPT: [Self; 5] =
        [Self::Lost, Self::Never, Self::LostThenDown, Self::Cut, Self::SaveDropped];

    pub(crate) fn cuts(self) -> bool {
        matches!(self, Self::Cut | Self::CutLate)
    }

    pub(crate) fn drops_a_save(self) -> bool {
        matches!(self, Self::SaveDropped | Self::SaveDroppedLate)
    }

    /// Returns whether a caller cannot know if its call was carried out.
    pub(crate) fn is_unknown(self) -> bool {
        !self.cuts() && !self.drops_a_save() && self != Self::Never
    }

    /// Returns whether the request continues without the outcome of a call.
    pub(crate) fn hides_outcome(self) -> bool {
        self.is_unknown() || self.drops_a_save()
    }

    /// Returns whether a call of a dropped future is carried out later.
    pub(crate) fn leaves_calls(self) -> bool {
        matches!(self, Self::CutLate | Self::SaveDroppedLate)
    }
}

impl Fault {
    /// Returns the end of the call of a request that has made this many calls.
    pub(crate) fn fate(self, request: usize, calls: usize) -> Fate {
        if request != self.request || calls < self.calls {
            return Fate::Replied;
        }
        let is_first = calls == self.calls;
        match self.kind {
            FaultKind::Lost | FaultKind::LostThenDown | FaultKind::LostWithLookup if is_first => {
                Fate::ReplyLost
            }
            FaultKind::LostWithLookup if calls == self.calls + 1 => Fate::Refused,
            FaultKind::Late | FaultKind::LateThenDown if is_first => Fate::Delayed,
            FaultKind::Never if is_first => Fate::Refused,
            FaultKind::LostThenDown | FaultKind::LateThenDown => Fate::Refused,
            _ => Fate::Replied,
        }
    }
}
