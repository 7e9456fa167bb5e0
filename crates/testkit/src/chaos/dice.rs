//! Dice that fall the same way for the same seed: each roll has a name and a number, so who rolls first is no matter.

/// The dice of a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The bits of the roll of that name and number.
    fn bits(self, what: &str, number: u64) -> u64 {
        // FNV-1a over the name, then the finalizer of SplitMix64.
        let name = what
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut bits = self.0 ^ name.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            bits = (bits ^ (bits >> shift)).wrapping_mul(factor);
        }
        bits ^ (bits >> 31)
    }

    /// From 0 to 1, never 1.
    pub(crate) fn roll(self, what: &str, number: u64) -> f64 {
        // As many bits as a float holds.
        f64::from(u32::try_from(self.bits(what, number) >> 32).expect("32 bits")) / f64::from(u32::MAX).next_up()
    }

    /// Whether something of that probability happens.
    pub(crate) fn happens(self, what: &str, number: u64, probability: f64) -> bool {
        self.roll(what, number) < probability
    }

    /// A number from 0, below that.
    pub(crate) fn pick(self, what: &str, number: u64, below: u64) -> u64 {
        self.bits(what, number) % below.max(1)
    }
}
