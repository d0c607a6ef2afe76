//! Whether a complete listing is believable.
//!
//! A lookup of tags that failed and made machines look untagged has wiped fleets elsewhere; so has a listing of half a fleet.
//! A listing that shrank too much since the last one that was believed is not acted upon until an operator says that it is
//! right, or the next listing agrees with it.

use jiff::Timestamp;

use crate::inventory::Inventory;

/// What a listing looks like: of the live machines, since the others wait in the recycle bin.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// How many live machines there are.
    pub live: u64,
    /// How many tags they have in all.
    pub tags: u64,
}

/// What the last listings looked like.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Baseline {
    /// The last one that was believed, less what was terminated since.
    pub believed: Option<Summary>,
    /// When that one was made.
    pub believed_at: Option<Timestamp>,
    /// The last one, if it was not believed.
    pub doubted: Option<Summary>,
}

/// Whether a listing is acted upon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Belief {
    /// It is.
    Believed,
    /// It shrank too much.
    Doubted,
}

/// By what a listing shrank too much.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shrink {
    /// What is counted.
    pub of: &'static str,
    /// How many there were.
    pub before: u64,
    /// How many there are.
    pub after: u64,
}

impl Summary {
    /// What an inventory looks like.
    #[must_use]
    pub fn of(inventory: &Inventory) -> Self {
        let live = inventory.instances().iter().filter(|instance| instance.is_live());
        let tags = live.map(|instance| instance.tags.len() as u64).sum();
        Self { live: inventory.live() as u64, tags }
    }

    /// What is left without machines that were terminated.
    #[must_use]
    pub fn without(self, terminated: Self) -> Self {
        Self {
            live: self.live.saturating_sub(terminated.live),
            tags: self.tags.saturating_sub(terminated.tags),
        }
    }

    /// Whether `later` shrank by more than so many percent.
    fn shrank(self, later: Self, max_change_percent: u32) -> Option<Shrink> {
        let pairs = [("live machines", self.live, later.live), ("tags", self.tags, later.tags)];
        let too_much = |(_, before, after): &(&str, u64, u64)| {
            before.saturating_sub(*after) * 100 > before * u64::from(max_change_percent)
        };
        let (of, before, after) = pairs.into_iter().find(too_much)?;
        Some(Shrink { of, before, after })
    }
}

impl Baseline {
    /// The same, less machines that are known to be terminated.
    #[must_use]
    pub fn without(self, terminated: Summary) -> Self {
        let believed = self.believed.map(|believed| believed.without(terminated));
        Self { believed, ..self }
    }

    /// Whether a listing is believed, or by what it shrank too much.
    pub fn check(&self, listing: Summary, max_change_percent: u32) -> Result<(), Shrink> {
        let against = |one: Option<Summary>| one?.shrank(listing, max_change_percent);
        match against(self.believed) {
            Some(_) if self.doubted.is_some() && against(self.doubted).is_none() => Ok(()),
            Some(shrink) => Err(shrink),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        believed: (u64, u64),
        doubted: Option<(u64, u64)>,
        listing: (u64, u64),
        expected: Option<&'static str>,
    ) {
        let summary = |(live, tags)| Summary { live, tags };
        let (believed, doubted) = (Some(summary(believed)), doubted.map(summary));
        let baseline = Baseline { believed, believed_at: None, doubted };
        let verdict = baseline.check(summary(listing), 50);
        assert_eq!(verdict.err().map(|shrink| shrink.of), expected, "{baseline:?} {listing:?}");
    }

    #[test]
    fn a_listing_that_shrank_by_more_than_half_is_doubted() {
        check((100, 300), None, (100, 300), None);
        check((100, 300), None, (50, 150), None);
        check((100, 300), None, (49, 150), Some("live machines"));
        check((100, 300), None, (100, 149), Some("tags"));
        check((100, 300), None, (100, 0), Some("tags"));
        check((100, 0), None, (100, 0), None);
        check((100, 300), None, (1000, 3000), None);
        check((0, 0), None, (0, 0), None);
        check((1, 0), None, (0, 0), Some("live machines"));
    }

    #[test]
    fn the_next_listing_that_agrees_is_believed() {
        check((100, 300), Some((10, 30)), (10, 30), None);
        check((100, 300), Some((10, 30)), (4, 30), Some("live machines"));
        check((100, 300), Some((10, 30)), (90, 300), None);
        check((100, 300), Some((10, 30)), (10, 0), Some("live machines"));
    }

    #[test]
    fn the_first_listing_of_all_is_believed() {
        assert_eq!(Baseline::default().check(Summary { live: 3, tags: 0 }, 0), Ok(()));
    }

    #[test]
    fn what_we_terminated_ourselves_is_no_surprise() {
        let before = Summary { live: 10, tags: 20 };
        let left = before.without(Summary { live: 8, tags: 30 });
        assert_eq!(left, Summary { live: 2, tags: 0 });
    }
}
