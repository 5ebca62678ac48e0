//! What one side shows the other to prove that it holds the same key.
//!
//! HMAC-SHA-256 over `role ‖ 0 ‖ port ‖ 0 ‖ router nonce ‖ 0 ‖ host nonce`, in hex. The role keeps a proof from being sent
//! back to its maker; the port keeps one who squats on another port of the router from relaying the handshake.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key::Key;

/// Random bytes in a nonce.
pub const NONCE_BYTES: usize = 16;

/// A nonce: 16 random bytes as the hex text that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

/// A text that is no nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce is {} hex digits", 2 * NONCE_BYTES)]
pub struct NotANonce;

impl Nonce {
    /// Ours.
    pub fn new(random: [u8; NONCE_BYTES]) -> Self {
        Self(HEXLOWER.encode(&random))
    }

    /// The peer's, exactly as it came.
    pub fn parse(text: &str) -> Result<Self, NotANonce> {
        let is_nonce = text.len() == 2 * NONCE_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_nonce { Ok(Self(text.to_owned())) } else { Err(NotANonce) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose proof it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The GUI host's.
    Host,
    /// The border router's.
    Router,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Router => "router",
        }
    }
}

/// What both sides know of one handshake.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The port that the router dialled.
    pub port: u16,
    /// From `hello`.
    pub router: Nonce,
    /// From `welcome`.
    pub host: Nonce,
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The peer holds the key.
    Right,
    /// It does not, or its text is no proof at all.
    Wrong,
}

impl Transcript {
    /// The proof of `role`: 64 hex digits.
    pub fn prove(&self, key: &Key, role: Role) -> String {
        HEXLOWER.encode(&self.mac(key, role).finalize().into_bytes())
    }

    /// Is `proof` that of `role`? Compared in constant time.
    pub fn verify(&self, key: &Key, role: Role, proof: &str) -> Verdict {
        let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(proof.as_bytes()) else { return Verdict::Wrong };
        self.mac(key, role).verify_slice(&bytes).map_or(Verdict::Wrong, |()| Verdict::Right)
    }

    fn mac(&self, key: &Key, role: Role) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes a key of any length");
        let port = self.port.to_string();
        mac.update([role.name(), &port, self.router.as_str(), self.host.as_str()].join("\0").as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8) -> Key {
        Key::new(std::array::from_fn(|at| first + at as u8))
    }

    fn transcript() -> Transcript {
        let nonce = |text| Nonce::parse(text).expect("a nonce");
        Transcript { port: 8000, router: nonce("00112233445566778899aabbccddeeff"), host: nonce("ffeeddccbbaa99887766554433221100") }
    }

    #[test]
    fn proofs_equal_those_of_another_implementation() {
        // Python: hmac.new(bytes(range(32)), b"host\0" b"8000\0" b"0011…\0" b"ffee…", "sha256").hexdigest()
        let host = "4dcb683319aff558923479a5ca11b2bef180aa419ee7672271aa2fb80a471ad4";
        let router = "29659e2db43f4f7a177c8d800dd75ea2d0952595037b77e52488715b0c07603d";
        assert_eq!(transcript().prove(&key(0), Role::Host), host);
        assert_eq!(transcript().prove(&key(0), Role::Router), router);
    }

    #[test]
    fn another_role_port_nonce_or_key_makes_it_wrong() {
        let proof = transcript().prove(&key(0), Role::Host);
        assert_eq!(transcript().verify(&key(0), Role::Host, &proof), Verdict::Right);
        assert_eq!(transcript().verify(&key(0), Role::Router, &proof), Verdict::Wrong);
        assert_eq!(transcript().verify(&key(1), Role::Host, &proof), Verdict::Wrong);
        let other_port = Transcript { port: 8001, ..transcript() };
        assert_eq!(other_port.verify(&key(0), Role::Host, &proof), Verdict::Wrong);
        let other_nonce = Transcript { router: Nonce::new([7; 16]), ..transcript() };
        assert_eq!(other_nonce.verify(&key(0), Role::Host, &proof), Verdict::Wrong);
    }

    #[test]
    fn what_is_no_proof_at_all_is_wrong() {
        let proof = transcript().prove(&key(0), Role::Host);
        for text in ["", "zz", "\u{20ac}", &proof[..62], &proof[..63], &format!("{proof}00")] {
            assert_eq!(transcript().verify(&key(0), Role::Host, text), Verdict::Wrong, "{text}");
        }
    }

    #[test]
    fn a_nonce_of_another_length_or_alphabet_is_refused() {
        for text in ["", "00", "00112233445566778899aabbccddeefg", "00112233445566778899aabbccddeeff0"] {
            assert_eq!(Nonce::parse(text), Err(NotANonce), "{text}");
        }
    }
}
