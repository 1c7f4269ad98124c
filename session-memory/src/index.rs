//! Maps the hash of a key to the slot of its record.

/// A hash table with linear probing.
///
/// An entry has half of the hash, so that a lookup rarely reads the slot of another key. With 8
/// bytes per entry, the table uses less memory than a map that repeats the keys.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The length is a power of two. At most three quarters of the entries are used.
    entries: Vec<Option<Entry>>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u32,
    /// The number of the slot plus one, so that an empty entry needs no additional memory.
    slot: std::num::NonZeroU32,
}

impl Entry {
    fn number(self) -> u32 {
        self.slot.get() - 1
    }
}

impl Index {
    /// Returns the slot with this tag that has the key.
    pub(crate) fn find(&self, tag: u32, has_key: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.home(tag)?;
        while let Some(entry) = self.entries[place] {
            if entry.tag == tag && has_key(entry.number()) {
                return Some(entry.number());
            }
            place = self.after(place);
        }
        None
    }

    /// Adds a slot that does not have an entry.
    pub(crate) fn insert(&mut self, tag: u32, slot: u32) {
        if (self.len + 1) * 4 > self.entries.len() * 3 {
            let entries = vec![None; (self.entries.len() * 2).max(8)];
            let old = std::mem::replace(&mut self.entries, entries);
            old.into_iter().flatten().for_each(|entry| self.put(entry));
        }
        self.len += 1;
        self.put(Entry { tag, slot: std::num::NonZeroU32::MIN.saturating_add(slot) });
    }

    /// Removes a slot, and moves later entries so that no search for an entry ends at the gap.
    pub(crate) fn remove(&mut self, tag: u32, slot: u32) {
        let Some(mut gap) = self.home(tag) else { return };
        while self.entries[gap].is_some_and(|entry| entry.number() != slot) {
            gap = self.after(gap);
        }
        if self.entries[gap].take().is_none() {
            return;
        }
        self.len -= 1;
        let mut place = self.after(gap);
        while let Some(entry) = self.entries[place] {
            let home = self.home(entry.tag).unwrap_or(place);
            if self.distance(home, place) >= self.distance(gap, place) {
                self.entries[gap] = self.entries[place].take();
                gap = place;
            }
            place = self.after(place);
        }
    }

    fn put(&mut self, entry: Entry) {
        let Some(mut place) = self.home(entry.tag) else { return };
        while self.entries[place].is_some() {
            place = self.after(place);
        }
        self.entries[place] = Some(entry);
    }

    /// Returns the start of a search for the tag, or `None` if the table has no entries.
    fn home(&self, tag: u32) -> Option<usize> {
        Some(tag as usize & self.entries.len().checked_sub(1)?)
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.entries.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.entries.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Tags of few bits result in long runs of entries, which wrap around the end.
    #[test]
    fn index_with_colliding_tags_finds_same_slots_as_map() {
        for seed in 0..200_u32 {
            let (mut index, mut map) = (Index::default(), BTreeMap::new());
            let mut random = seed;
            for step in 0..400 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let slot = (random >> 8) % 40;
                let tag = slot / 3 + (slot % 2) * 0xFFFF_FFF0;
                if map.remove(&slot).is_some() {
                    index.remove(tag, slot);
                } else {
                    index.insert(tag, slot);
                    map.insert(slot, tag);
                }
                for slot in 0..40 {
                    let tag = slot / 3 + (slot % 2) * 0xFFFF_FFF0;
                    let found = index.find(tag, |number| number == slot);
                    assert_eq!(found.is_some(), map.contains_key(&slot), "seed {seed}, {step}");
                }
                assert_eq!(index.len, map.len());
            }
        }
    }
}
