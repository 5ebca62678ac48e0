//! What a side of the link shows the other to prove that it holds the same key.
//!
//! HMAC-SHA-256 over `role ‖ 0 ‖ port ‖ 0 ‖ router nonce ‖ 0 ‖ host nonce`, in hex. The role keeps
//! a proof from being sent back to its maker, the port keeps one who squats on another port of the
//! router from relaying the handshake. Compared in constant time.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key::Key;

/// Whose proof it is.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// This program's.
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
    /// The router's nonce, as the hex text that was sent.
    pub router_nonce: String,
    /// The host's nonce, as the hex text that was sent.
    pub host_nonce: String,
}

impl Transcript {
    /// The proof of `role`, 64 hex digits.
    pub fn prove(&self, key: &Key, role: Role) -> String {
        HEXLOWER.encode(&self.mac(key, role).finalize().into_bytes())
    }

    /// Whether `proof` is that of `role`.
    pub fn verify(&self, key: &Key, role: Role, proof: &str) -> Verdict {
        let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(proof.as_bytes()) else {
            return Verdict::Wrong;
        };
        match self.mac(key, role).verify_slice(&bytes) {
            Ok(()) => Verdict::Right,
            Err(_) => Verdict::Wrong,
        }
    }

    fn mac(&self, key: &Key, role: Role) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes any length");
        let port = self.port.to_string();
        let fields = [role.name(), &port, &self.router_nonce, &self.host_nonce];
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                mac.update(&[0]);
            }
            mac.update(field.as_bytes());
        }
        mac
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The peer holds the key.
    Right,
    /// It does not, or its text is no proof at all.
    Wrong,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> Transcript {
        Transcript {
            port: 8000,
            router_nonce: "00112233445566778899aabbccddeeff".to_owned(),
            host_nonce: "ffeeddccbbaa99887766554433221100".to_owned(),
        }
    }

    fn key() -> Key {
        Key::new(std::array::from_fn(|index| index as u8))
    }

    #[test]
    fn proofs_equal_those_of_another_implementation() {
        // Computed with Python's hmac module.
        let host = "4dcb683319aff558923479a5ca11b2bef180aa419ee7672271aa2fb80a471ad4";
        let router = "29659e2db43f4f7a177c8d800dd75ea2d0952595037b77e52488715b0c07603d";
        assert_eq!(transcript().prove(&key(), Role::Host), host);
        assert_eq!(transcript().prove(&key(), Role::Router), router);
    }

    #[test]
    fn only_the_right_role_port_nonces_and_key_are_accepted() {
        let proof = transcript().prove(&key(), Role::Router);
        let verify = |t: Transcript, k: &Key, role| t.verify(k, role, &proof);
        assert_eq!(verify(transcript(), &key(), Role::Router), Verdict::Right);
        assert_eq!(verify(transcript(), &key(), Role::Host), Verdict::Wrong);
        assert_eq!(verify(transcript(), &Key::new([1; 32]), Role::Router), Verdict::Wrong);
        let other_port = Transcript { port: 8001, ..transcript() };
        assert_eq!(verify(other_port, &key(), Role::Router), Verdict::Wrong);
        let other_nonce = Transcript { host_nonce: "00".repeat(16), ..transcript() };
        assert_eq!(verify(other_nonce, &key(), Role::Router), Verdict::Wrong);
    }

    #[test]
    fn what_is_no_hex_or_cut_short_is_wrong() {
        let proof = transcript().prove(&key(), Role::Router);
        for text in ["", "zz", "€€", &proof[..62], &proof[..63], &format!("{proof}00")] {
            assert_eq!(transcript().verify(&key(), Role::Router, text), Verdict::Wrong, "{text}");
        }
    }
}
