//! The system's dice.

use hookbell_domain::retry::Roll;

/// The operating system has no random bytes, which on Lambda's kernel does not happen after boot.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no random bytes to be had")]
pub struct NoRandomness;

/// `N` random bytes from the operating system.
///
/// # Errors
/// When the operating system has none.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Randomness for an id.
///
/// # Errors
/// As [`bytes`].
pub fn id() -> Result<u128, NoRandomness> {
    Ok(u128::from_le_bytes(bytes()?))
}

/// A roll of the dice for a retry's jitter.
///
/// # Errors
/// As [`bytes`].
pub fn roll() -> Result<Roll, NoRandomness> {
    Ok(Roll::of_bits(u64::from_le_bytes(bytes()?)))
}
