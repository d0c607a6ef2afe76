//! Chance that is the same for the same seed.

/// A generator of numbers: splitmix64, which needs no more than a counter.
pub(crate) struct Chance(u64);

impl Chance {
    /// Starts the generator of one case of one seed.
    pub(crate) fn new(seed: u64, case: u64) -> Self {
        let mut chance = Self(seed ^ case.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `end`, without `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// Whether an event of so many percent happens.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Between `min` and `max` of what `make` makes.
    pub(crate) fn some<T>(
        &mut self,
        min: usize,
        max: usize,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let count = min + self.below(max - min + 1);
        (0..count).map(|_| make(self)).collect()
    }

    /// Between `min` and `max` different ones of these.
    pub(crate) fn different<T: Clone + PartialEq>(
        &mut self,
        min: usize,
        max: usize,
        from: &[T],
    ) -> Vec<T> {
        let mut chosen: Vec<T> = Vec::new();
        for one in self.some(min, max, |chance| chance.pick(from)) {
            if !chosen.contains(&one) {
                chosen.push(one);
            }
        }
        chosen
    }
}
