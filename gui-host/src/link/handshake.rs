//! The handshake of a link, seen from the host: `hello`, `welcome`, `auth`.
//!
//! Pure: text in, text or a refusal out. Everything here comes from a peer that has proved nothing
//! yet; any fault ends the handshake. A proof is compared in constant time and never repeated in
//! a message.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    hub::call::Recipients,
    key::Key,
    proof::{Role, Transcript, Verdict},
};

/// Longest message before authentication, bytes.
pub const MAX_MESSAGE: usize = 1024;

/// Longest id of a router, and longest of its other strings, bytes.
const MAX_ID: usize = 64;
const MAX_NAME: usize = 128;

/// Hex digits of a nonce: 16 bytes.
const NONCE_DIGITS: usize = 32;

/// The version of the link that this host speaks.
const VERSION: u64 = 1;

/// How a peer has to prove itself.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// With the shared key.
    Key(Key),
    /// Not at all.
    None,
}

/// A router's first message.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The message as it came.
    pub text: Box<RawValue>,
    /// The router's name for itself; one link for each.
    pub id: String,
    /// `{id, name, hostname, version, boot}`, checked.
    pub lbr: Value,
    versions: Vec<u64>,
    nonce: Option<String>,
}

/// Why a handshake ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Code of the `error` message.
    pub code: &'static str,
    /// For a person, with the way out.
    pub text: String,
    /// WebSocket close code.
    pub close: u16,
}

/// Close codes of the handshake (ours are above 4000).
pub mod close {
    /// A message that is not understood, or none in time (RFC 6455: policy violation).
    pub const POLICY: u16 = 1008;
    /// A message above the limit.
    pub const TOO_LONG: u16 = 1009;
    /// The host has as many links as it takes.
    pub const TRY_LATER: u16 = 1013;
    /// No common version.
    pub const VERSION: u16 = 4400;
    /// A wrong proof, or none.
    pub const UNAUTHORIZED: u16 = 4401;
    /// A newer connection of the same router took its place.
    pub const REPLACED: u16 = 4409;
}

impl Refusal {
    fn malformed(text: impl Into<String>) -> Self {
        Self { code: "handshake", text: text.into(), close: close::POLICY }
    }

    fn unauthorized(text: impl Into<String>) -> Self {
        Self { code: "unauthorized", text: text.into(), close: close::UNAUTHORIZED }
    }

    /// The router went away after `welcome`, with these words.
    pub fn declined(words: &str) -> Self {
        Self::unauthorized(format!(
            "the router did not accept this host: {words}; has it the same key? `gui-host keygen` prints how to copy it"
        ))
    }

    /// The peer did not finish in time.
    pub fn late() -> Self {
        Self::malformed("the handshake was not finished within 5 s")
    }

    /// A binary frame.
    pub fn binary() -> Self {
        Self::malformed("a binary frame; the link speaks JSON in text frames")
    }

    /// A message above [`MAX_MESSAGE`].
    pub fn too_long(bytes: usize) -> Self {
        let text = format!("a message of {bytes} bytes; before authentication at most {MAX_MESSAGE}");
        Self { code: "too-long", text, close: close::TOO_LONG }
    }

    /// The hub has no place for another router.
    pub fn crowded() -> Self {
        let text = "this host has as many border routers as it takes".to_owned();
        Self { code: "busy", text, close: close::TRY_LATER }
    }

    /// The `error` message to send before closing.
    pub fn message(&self) -> String {
        json!({"type": "error", "code": self.code, "text": self.text}).to_string()
    }
}

#[derive(Deserialize)]
struct RawHello<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    v: Vec<u64>,
    lbr: RawLbr,
    nonce: Option<String>,
}

#[derive(Deserialize)]
struct RawLbr {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    boot: Value,
}

#[derive(Deserialize)]
struct RawAuth<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    proof: Cow<'a, str>,
    /// Of the `error` that may come in its place.
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

impl Hello {
    /// Reads a router's first message.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let raw: RawHello<'_> =
            serde_json::from_str(text).map_err(|error| Refusal::malformed(format!("hello was not understood: {error}")))?;
        if raw.kind != "hello" {
            return Err(Refusal::malformed("the first message must be hello"));
        }
        check_text("lbr.id", &raw.lbr.id, MAX_ID)?;
        for (name, value) in [("lbr.name", &raw.lbr.name), ("lbr.hostname", &raw.lbr.hostname), ("lbr.version", &raw.lbr.version)] {
            check_text(name, value, MAX_NAME)?;
        }
        if raw.lbr.id == Recipients::ALL {
            return Err(Refusal::malformed(format!("lbr.id must not be {}, which means all routers", Recipients::ALL)));
        }
        if raw.lbr.id.is_empty() {
            return Err(Refusal::malformed("lbr.id is empty"));
        }
        if raw.lbr.boot.is_array() || raw.lbr.boot.is_object() {
            return Err(Refusal::malformed("lbr.boot is neither a number nor a string"));
        }
        let RawLbr { id, name, hostname, version, boot } = raw.lbr;
        let lbr = json!({
            "id": id, "name": name, "hostname": hostname, "version": version, "boot": boot,
        });
        let text =
            RawValue::from_string(text.to_owned()).map_err(|error| Refusal::malformed(format!("hello was not understood: {error}")))?;
        Ok(Self { text, id, lbr, versions: raw.v, nonce: raw.nonce })
    }

    /// Checks version and nonce, and says what to answer and what to expect then.
    pub fn welcome(&self, authentication: &Authentication, port: u16, host_nonce: &str) -> Result<Welcome, Refusal> {
        if !self.versions.contains(&VERSION) {
            let text = format!("this host speaks version {VERSION} of the link, the router {:?}; update the older one", self.versions);
            return Err(Refusal { code: "version", text, close: close::VERSION });
        }
        let mut answer = json!({
            "type": "welcome", "v": VERSION,
            "host": {"name": "gui-host", "version": env!("CARGO_PKG_VERSION")},
        });
        let next = match (authentication, &self.nonce) {
            (Authentication::None, None) => Next::Snapshot,
            (Authentication::None, Some(_)) => {
                return Err(Refusal::unauthorized(
                    "the router wants a proof and this host runs with --auth none; give both the same key, or set auth = \"none\" on the router",
                ));
            }
            (Authentication::Key(_), None) => {
                return Err(Refusal::unauthorized(
                    "the router offers no proof (auth = \"none\") and this host has a key; copy the key to the router, or start this host with --auth none",
                ));
            }
            (Authentication::Key(key), Some(nonce)) => {
                check_nonce(nonce)?;
                let transcript = Transcript { port, router_nonce: nonce.clone(), host_nonce: host_nonce.to_owned() };
                answer["nonce"] = host_nonce.into();
                answer["proof"] = transcript.prove(key, Role::Host).into();
                Next::Proof(key.clone(), transcript)
            }
        };
        Ok(Welcome { text: answer.to_string(), next })
    }
}

/// The answer to a hello.
#[derive(Debug)]
pub struct Welcome {
    /// The message.
    pub text: String,
    /// What has to come now.
    pub next: Next,
}

/// What has to come after `welcome`.
#[derive(Debug)]
pub enum Next {
    /// `auth` with the router's proof.
    Proof(Key, Transcript),
    /// The snapshot, at once.
    Snapshot,
}

/// Checks a router's `auth`.
pub fn check_auth(text: &str, key: &Key, transcript: &Transcript) -> Result<(), Refusal> {
    let raw: RawAuth<'_> = serde_json::from_str(text).map_err(|error| Refusal::malformed(format!("auth was not understood: {error}")))?;
    match &*raw.kind {
        "auth" => {}
        // The host proves itself first, so with two keys it is the router that notices.
        "error" => return Err(Refusal::declined(&raw.text)),
        _ => return Err(Refusal::malformed("the second message must be auth")),
    }
    match transcript.verify(key, Role::Router, &raw.proof) {
        Verdict::Right => Ok(()),
        Verdict::Wrong => Err(Refusal::unauthorized(format!(
            "the router's proof is wrong: its key is another, or it dialled another port than {}; copy the key with the command that `gui-host keygen` printed, and check --remote-port",
            transcript.port
        ))),
    }
}

fn check_text(name: &str, value: &str, max: usize) -> Result<(), Refusal> {
    if value.len() > max {
        return Err(Refusal::malformed(format!("{name} is longer than {max} bytes")));
    }
    if value.contains(|c: char| c.is_control()) {
        return Err(Refusal::malformed(format!("{name} has control characters")));
    }
    Ok(())
}

fn check_nonce(nonce: &str) -> Result<(), Refusal> {
    if nonce.len() == NONCE_DIGITS && nonce.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err(Refusal::malformed(format!("the nonce is not {NONCE_DIGITS} hex digits")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"type":"hello","v":[1,2],"lbr":{"id":"lbr-1","name":"roof","hostname":"pi","version":"0.1.0","boot":7},"nonce":"00112233445566778899aabbccddeeff","new":{"x":[]}}"#;
    const NONCE: &str = "ffeeddccbbaa99887766554433221100";

    fn keyed() -> Authentication {
        Authentication::Key(Key::new([9; 32]))
    }

    fn refusal(text: &str, authentication: &Authentication) -> Refusal {
        match Hello::parse(text) {
            Err(refusal) => refusal,
            Ok(hello) => hello.welcome(authentication, 8000, NONCE).unwrap_err(),
        }
    }

    #[test]
    fn a_router_with_the_key_is_welcome() {
        let hello = Hello::parse(HELLO).unwrap();
        assert_eq!(hello.id, "lbr-1");
        assert_eq!(hello.lbr["boot"], 7);
        let welcome = hello.welcome(&keyed(), 8000, NONCE).unwrap();
        let answer: Value = serde_json::from_str(&welcome.text).unwrap();
        let Next::Proof(key, transcript) = welcome.next else { panic!("no proof is asked for") };
        assert_eq!(answer["proof"], transcript.prove(&key, Role::Host));
        assert_eq!(answer["nonce"], NONCE);
        let proof = transcript.prove(&key, Role::Router);
        let auth = format!(r#"{{"type":"auth","proof":"{proof}"}}"#);
        assert_eq!(check_auth(&auth, &key, &transcript), Ok(()));
    }

    #[test]
    fn our_own_proof_sent_back_is_refused() {
        let hello = Hello::parse(HELLO).unwrap();
        let Next::Proof(key, transcript) = hello.welcome(&keyed(), 8000, NONCE).unwrap().next else { panic!("no proof is asked for") };
        let proof = transcript.prove(&key, Role::Host);
        let auth = format!(r#"{{"type":"auth","proof":"{proof}"}}"#);
        let refusal = check_auth(&auth, &key, &transcript).unwrap_err();
        assert_eq!((refusal.code, refusal.close), ("unauthorized", 4401));
        assert!(!refusal.text.contains(&proof));
    }

    #[test]
    fn the_words_of_a_router_that_declines_are_passed_on() {
        let hello = Hello::parse(HELLO).unwrap();
        let welcome = hello.welcome(&keyed(), 8000, NONCE).unwrap();
        let Next::Proof(key, transcript) = welcome.next else { panic!("no proof is asked for") };
        let error = r#"{"type":"error","code":"unauthorized","text":"wrong proof"}"#;
        let refusal = check_auth(error, &key, &transcript).unwrap_err();
        assert!(refusal.text.contains("wrong proof") && refusal.text.contains("same key"));
        assert_eq!(check_auth("{}", &key, &transcript).unwrap_err().close, 1008);
        let empty = r#"{"type":"auth"}"#;
        assert_eq!(check_auth(empty, &key, &transcript).unwrap_err().close, 4401);
    }

    #[test]
    fn without_authentication_no_proof_is_sent_or_asked_for() {
        let text = HELLO.replace(r#""nonce":"00112233445566778899aabbccddeeff","#, "");
        let welcome = Hello::parse(&text).unwrap().welcome(&Authentication::None, 8000, NONCE).unwrap();
        assert!(matches!(welcome.next, Next::Snapshot));
        assert!(!welcome.text.contains("proof") && !welcome.text.contains("nonce"));
        assert_eq!(refusal(&text, &keyed()).close, 4401);
        assert_eq!(refusal(HELLO, &Authentication::None).close, 4401);
    }

    #[test]
    fn without_a_common_version_both_sides_are_named() {
        let refusal = refusal(&HELLO.replace("[1,2]", "[2,3]"), &keyed());
        assert_eq!((refusal.code, refusal.close), ("version", 4400));
        assert!(refusal.text.contains("version 1") && refusal.text.contains("[2, 3]"));
    }

    #[test]
    fn what_is_no_hello_is_refused() {
        let long = format!(r#""id":"{}""#, "x".repeat(65));
        for text in [
            String::new(),
            "[]".to_owned(),
            "{".to_owned(),
            HELLO.replace("hello", "auth"),
            HELLO.replace("\"lbr-1\"", "\"\""),
            HELLO.replace("\"lbr-1\"", "5"),
            HELLO.replace("\"lbr-1\"", "\"*\""),
            HELLO.replace("lbr-1", r"\u001b[2J"),
            HELLO.replace("\"id\":\"lbr-1\"", &long),
            HELLO.replace("\"boot\":7", "\"boot\":[7]"),
            HELLO.replace("eeff\"", "ee\""),
            HELLO.replace("eeff\"", "eefg\""),
        ] {
            assert_eq!(refusal(&text, &keyed()).close, 1008, "{text}");
        }
    }
}
