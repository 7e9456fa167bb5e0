//! The system's dice.

use hookbell_domain::retry::Roll;

/// `N` random bytes from the operating system.
///
/// # Errors
/// When the operating system has none, which on Lambda's kernel does not happen after boot.
pub fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Randomness for an id.
///
/// # Errors
/// As [`bytes`].
pub fn id() -> Result<u128, getrandom::Error> {
    Ok(u128::from_le_bytes(bytes()?))
}

/// A roll of the dice for a retry's jitter.
///
/// # Errors
/// As [`bytes`].
pub fn roll() -> Result<Roll, getrandom::Error> {
    Ok(Roll::of_bits(u64::from_le_bytes(bytes()?)))
}
