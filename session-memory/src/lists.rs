//! The slots of a shard in the order of their last use.

/// The class of a record, which determines the order of eviction. Each class has its own list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    /// A record without an owner.
    Anonymous,
    Owned,
    /// A record that lost its owner, for example when the engine ends a session or moves it to a
    /// new id.
    Tombstone,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Anonymous, Self::Owned, Self::Tombstone];
}

/// The link at the end of a list, and the link of a slot that is in no list.
const NONE: u32 = u32::MAX;

/// The lists of slots, one for each class. Links are stored separately from the records, because a
/// use of a record changes the links of its neighbours.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    links: Vec<Link>,
    ends: [Ends; 3],
}

#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

#[derive(Debug)]
struct Ends {
    newest: u32,
    oldest: u32,
    len: usize,
}

impl Default for Ends {
    fn default() -> Self {
        Self { newest: NONE, oldest: NONE, len: 0 }
    }
}

impl Lists {
    pub(crate) fn len(&self, class: Class) -> usize {
        self.ends[class as usize].len
    }

    pub(crate) fn oldest(&self, class: Class) -> Option<u32> {
        let oldest = self.ends[class as usize].oldest;
        (oldest != NONE).then_some(oldest)
    }

    /// Returns the slot that was used after this one.
    pub(crate) fn newer(&self, slot: u32) -> Option<u32> {
        let newer = self.links[slot as usize].newer;
        (newer != NONE).then_some(newer)
    }

    /// Adds a slot that is in no list, as the newest.
    pub(crate) fn push(&mut self, class: Class, slot: u32) {
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, Link { newer: NONE, older: NONE });
        }
        let ends = &mut self.ends[class as usize];
        self.links[slot as usize] = Link { newer: NONE, older: ends.newest };
        match self.links.get_mut(ends.newest as usize) {
            Some(second) => second.newer = slot,
            None => ends.oldest = slot,
        }
        ends.newest = slot;
        ends.len += 1;
    }

    pub(crate) fn unlink(&mut self, class: Class, slot: u32) {
        let ends = &mut self.ends[class as usize];
        let Link { newer, older } = self.links[slot as usize];
        match self.links.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => ends.newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => ends.oldest = newer,
        }
        ends.len -= 1;
    }

    /// Moves a slot of the list to its newest end.
    pub(crate) fn renew(&mut self, class: Class, slot: u32) {
        if self.ends[class as usize].newest != slot {
            self.unlink(class, slot);
            self.push(class, slot);
        }
    }
}
