//! An observation of a session, and the changes that it may or must show.

use std::collections::HashSet;

use crate::history::{Change, Observation, Snapshot, Source, Status, Tick, Token};

use super::model::Model;

/// An observation of a session.
pub(crate) struct View<'a> {
    pub(crate) model: &'a Model<'a>,
    pub(crate) observation: &'a Observation,
    pub(crate) snapshot: &'a Snapshot,
    visible: HashSet<usize>,
    /// The snapshot must have every change that was applied before this tick.
    since: Tick,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        model: &'a Model<'a>,
        observation: &'a Observation,
        snapshot: &'a Snapshot,
    ) -> Self {
        let mut visible = model.visible(snapshot);
        if let Source::Saved(changes) = &observation.source {
            visible.extend(changes.iter().map(|change| model.changes[*change].attempt));
        }
        // The snapshot is later than everything that it shows.
        let starts = model.changes.iter().filter(|change| visible.contains(&change.attempt));
        let since = starts.map(|change| change.start).max().unwrap_or(0).max(observation.start);
        Self { model, observation, snapshot, visible, since }
    }

    /// Returns the first and the last position in the path at which the change may have been
    /// stored.
    fn positions(&self, change: &Change) -> Option<(usize, usize)> {
        let path = &self.snapshot.path;
        let position = |anchor: &Token| path.iter().position(|token| token == anchor);
        let positions = || change.anchors.iter().filter_map(position);
        Some((positions().min()?, positions().max()?))
    }

    /// Returns the login after these positions that copied the session.
    fn copied(&self, (first, last): (usize, usize)) -> Option<&Change> {
        (first..=last).find_map(|position| self.model.copied_after(&self.snapshot.path, position))
    }

    /// Returns whether the snapshot may show the change.
    pub(crate) fn may_show(&self, change: &Change) -> bool {
        let Some((_, last)) = self.positions(change) else { return false };
        change.status != Status::Dropped
            && change.start <= self.observation.end
            && self.copied((last, last)).is_none_or(|login| change.start <= login.end)
    }

    /// Returns whether the snapshot must show the change, unless a later one undid it.
    pub(crate) fn must_show(&self, change: &Change) -> bool {
        let Some(positions) = self.positions(change) else { return false };
        if change.status == Status::Dropped {
            return false;
        }
        if self.visible.contains(&change.attempt) {
            return true;
        }
        change.status == Status::Applied
            && change.end < self.since
            && change.anchors.iter().all(|anchor| self.snapshot.path.contains(anchor))
            && self.copied(positions).is_none_or(|login| change.end < login.start)
    }

    /// Returns whether a change was applied after another. Both are given with their indices.
    pub(crate) fn is_after(&self, later: (usize, &Change), earlier: (usize, &Change)) -> bool {
        let same_request = later.1.request == earlier.1.request;
        let (first, last) = (self.positions(later.1), self.positions(earlier.1));
        later.1.start > earlier.1.end
            || first.zip(last).is_some_and(|((first, _), (_, last))| first > last)
            || (same_request && later.0 > earlier.0)
    }

    /// Returns the changes that the snapshot may show, with their indices.
    pub(crate) fn changes(&self) -> Vec<(usize, &Change)> {
        let all = self.snapshot.path.iter().flat_map(|token| self.model.changes_at(*token));
        let mut changes: Vec<_> = all.filter(|(_, change)| self.may_show(change)).collect();
        changes.sort_by_key(|(index, _)| *index);
        changes.dedup_by_key(|(index, _)| *index);
        changes
    }
}
