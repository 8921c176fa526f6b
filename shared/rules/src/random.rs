//! Randomness and hashes, from the one cryptographic library in the binary.

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
    Ok(bytes)
}

/// 256 random bits as 43 URL-safe characters: an unguessable secret.
pub fn secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// 256 random bits as 64 lowercase hex characters: the form of a signing secret.
pub fn hex_secret() -> Result<String> {
    Ok(hex(&bytes::<32>()?))
}

/// 128 random bits as 32 lowercase hex characters: the form of a session id in hex.
pub fn hex_session() -> Result<String> {
    Ok(hex(&bytes::<16>()?))
}

/// A positive number that JavaScript reads exactly, of 48 random bits.
pub fn number() -> Result<u64> {
    let [a, b, c, d, e, f] = bytes::<6>()?;
    Ok(u64::from_be_bytes([0, 0, a, b, c, d, e, f]) + 1)
}

/// 12 letters and digits, a letter first, so that it can never be read as a number.
pub fn short_id() -> Result<String> {
    let mut id = pick::<1>(LETTERS)?;
    id.push_str(&pick::<11>(ALPHANUMERIC)?);
    Ok(id)
}

/// 21 URL-safe characters: the form of an entity id.
pub fn entity_id() -> Result<String> {
    pick::<21>(URL_SAFE)
}

fn pick<const N: usize>(alphabet: &[u8]) -> Result<String> {
    // Values past the last whole multiple of the alphabet are drawn again: every character is equally likely.
    let fair = 256 - 256 % alphabet.len();
    let mut picked = String::with_capacity(N);
    while picked.len() < N {
        for byte in bytes::<N>()? {
            if usize::from(byte) < fair && picked.len() < N {
                picked.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
            }
        }
    }
    Ok(picked)
}

/// SHA-256 as hex: the stored form of a secret that is shown only once.
pub fn fingerprint(secret: &str) -> String {
    fingerprint_bytes(secret.as_bytes())
}

/// SHA-256 as hex.
pub fn fingerprint_bytes(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Returns whether a text has the form of a fingerprint.
pub fn is_fingerprint(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Compares two values in constant time.
pub fn equal(left: &str, right: &str) -> bool {
    constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shapes_and_differ() {
        let short = short_id().unwrap();
        assert!(short.len() == 12 && short.as_bytes()[0].is_ascii_alphabetic());
        assert_eq!(entity_id().unwrap().len(), 21);
        assert_eq!(hex_secret().unwrap().len(), 64);
        assert_ne!(secret().unwrap(), secret().unwrap());
    }

    #[test]
    fn fingerprints_are_sha_256() {
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_fingerprint(&fingerprint("")));
        for other in ["", "abc", &"A".repeat(64), &"a".repeat(63), &"a".repeat(3_000), &"g".repeat(64)] {
            assert!(!is_fingerprint(other), "{other}");
        }
        assert!(equal("a", "a") && !equal("a", "b") && !equal("a", "ab"));
    }
}
