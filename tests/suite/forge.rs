//! Builds tokens that no JWT library would sign.

use jsonwebtoken::{Algorithm, EncodingKey};

/// Signs two arbitrary texts as header and claims.
pub fn compact(header: &str, claims: &str, secret: &[u8]) -> String {
    signed_over(&base64url(header), &base64url(claims), secret)
}

/// Signs two parts that are already encoded.
pub fn signed_over(header: &str, claims: &str, secret: &[u8]) -> String {
    let signed = format!("{header}.{claims}");
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

/// The three parts of a token.
pub fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for chunk in bytes.as_ref().chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

/// A non-canonical encoding of the same bytes: the last character's unused bits are set.
pub fn not_canonical(part: &str) -> String {
    let last = part.bytes().last().unwrap();
    let place = ALPHABET.iter().position(|letter| *letter == last).unwrap();
    format!("{}{}", &part[..part.len() - 1], char::from(ALPHABET[place + 1]))
}
