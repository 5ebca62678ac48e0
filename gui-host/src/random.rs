//! Random bytes of the operating system, as hex text: tokens, nonces, and the tag of commands.

use anyhow::Context;
use data_encoding::HEXLOWER;

/// 128 random bits as 32 lower-case hex digits.
pub fn hex_128() -> anyhow::Result<String> {
    Ok(HEXLOWER.encode(&bytes::<16>()?))
}

/// `N` random bytes.
pub fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the operating system gave no random bytes")?;
    Ok(bytes)
}
