//! Cursors: places in a list, encrypted. A place can name an item that the caller may not know of, because a page
//! can end between the items that are shown.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Reason, Result};
use crate::random;

/// The purpose of the derived key: the same secret gives another key for another purpose.
const PURPOSE: &[u8] = b"vitrine: cursors of lists, 1";

/// Places are filled up to a multiple of this, so that the length of a cursor does not tell the length of an id.
const BLOCK_BYTES: usize = 64;

/// The key that cursors are encrypted with.
pub struct CursorKey(LessSafeKey);

impl CursorKey {
    /// Derives the key from a secret of the stack.
    pub fn derive(secret: &str) -> std::result::Result<Self, &'static str> {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), PURPOSE);
        let key = UnboundKey::new(&AES_256_GCM_SIV, derived.as_ref()).map_err(|_| "no key for cursors")?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The cursor of a place in a list. It is read for the list of this name only.
    pub fn seal(&self, list: &str, place: &[String]) -> Result<String> {
        let mut sealed = serde_json::to_vec(place).map_err(Error::internal)?;
        sealed.resize(sealed.len().next_multiple_of(BLOCK_BYTES), b' ');
        let nonce = random::bytes::<NONCE_LEN>()?;
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(list.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::internal("a cursor was not encrypted"))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// The place that a cursor of this list encodes.
    pub fn open(&self, list: &str, cursor: &str) -> Result<Vec<String>> {
        let invalid = || Error::from(Reason::CursorInvalid);
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(invalid)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| invalid())?;
        let opened =
            self.0.open_in_place(nonce, Aad::from(list.as_bytes()), sealed).map_err(|_| invalid())?;
        serde_json::from_slice(opened).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = "keys";

    fn key() -> CursorKey {
        CursorKey::derive("a secret").unwrap()
    }

    fn place(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn a_cursor_shows_nothing_of_its_place() {
        let here = place(&["access_keys", "aB3dE5gH7jK9"]);
        let (one, other) = (key().seal(LIST, &here).unwrap(), key().seal(LIST, &here).unwrap());
        assert_ne!(one, other, "two cursors of one place");
        let readable = String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(&one).unwrap()).into_owned();
        assert!(!readable.contains("access_keys") && !readable.contains("aB3dE5gH7jK9"), "{readable}");
        let longer = key().seal(LIST, &place(&["access_keys", "aB3dE5gH7jK9aB3dE5gH7jK9"])).unwrap();
        assert_eq!(one.len(), longer.len(), "the length of an id");
    }

    #[test]
    fn a_cursor_is_read_with_its_key_and_for_its_list_only() {
        let cursor = key().seal(LIST, &place(&["a", "b"])).unwrap();
        assert_eq!(key().open(LIST, &cursor).unwrap(), ["a", "b"]);
        let refused = |opened: Result<Vec<String>>| opened.unwrap_err().reason == Reason::CursorInvalid;
        assert!(refused(key().open("groups", &cursor)));
        assert!(refused(CursorKey::derive("another secret").unwrap().open(LIST, &cursor)));
        for broken in ["", "A", "null", &cursor[4..], &format!("{cursor}="), &cursor[..cursor.len() - 4]] {
            assert!(refused(key().open(LIST, broken)), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn every_place_is_read_as_written(parts in proptest::collection::vec("\\PC{0,80}", 0..4)) {
            prop_assert_eq!(key().open(LIST, &key().seal(LIST, &parts).unwrap()).unwrap(), parts);
        }

        #[test]
        fn a_changed_cursor_is_refused(at in 0_usize..80, bit in 0_u8..8) {
            let sealed = key().seal(LIST, &place(&["a", "b"])).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(sealed).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(key().open(LIST, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }
    }
}
