//! `hello` and `auth`, and what the host answers.

use bus::moment::Moment;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::Lbr;
use crate::json::request::parse_object;
use crate::proof::Nonce;
use crate::request::{Complaint, Fault};

/// The version of the link that this router speaks.
pub const VERSION: u64 = 1;

#[derive(Serialize)]
struct Hello<'a> {
    v: [u64; 1],
    lbr: LbrJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

#[derive(Serialize)]
struct LbrJson<'a> {
    id: &'a str,
    name: &'a str,
    hostname: &'a str,
    version: &'a str,
    boot: String,
}

#[derive(Serialize)]
struct Auth<'a> {
    proof: &'a str,
}

/// `hello`, with a nonce when a proof is wanted.
pub fn hello(lbr: &Lbr, nonce: Option<&Nonce>, seq: u64, now: Moment) -> String {
    let Lbr { id, name, hostname, version, boot } = lbr;
    let lbr = LbrJson { id, name, hostname, version, boot: boot.to_string() };
    super::framed("hello", seq, now.unix_ms, &Hello { v: [VERSION], lbr, nonce: nonce.map(Nonce::as_str) })
}

/// `auth`.
pub fn auth(proof: &str, seq: u64, now: Moment) -> String {
    super::framed("auth", seq, now.unix_ms, &Auth { proof })
}

/// `error`, before there is a session that could say it.
pub fn error(fault: &Fault, seq: u64, now: Moment) -> String {
    super::framed("error", seq, now.unix_ms, &super::command::error(fault))
}

/// What may come in answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `welcome` in our version.
    Welcome(Welcome),
    /// `welcome` in another version, as the host wrote it.
    OtherVersion(String),
    /// `error`: the host will not have us.
    Complaint(Complaint),
}

/// `welcome`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Welcome {
    /// For the log.
    #[serde(default)]
    pub host: HostName,
    /// The host's nonce.
    pub nonce: Option<String>,
    /// The host's proof.
    pub proof: Option<String>,
}

/// Who the host says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HostName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Reads the host's answer to `hello`.
pub fn parse(text: &str) -> Result<Answer, Fault> {
    let (kind, object) = parse_object(text)?;
    match kind.as_str() {
        "welcome" => parse_welcome(object),
        "error" => Ok(Answer::Complaint(super::request::parse_complaint(&object))),
        other => Err(Fault::new("handshake", format!("`welcome` is expected, not `{}`", super::cut(other, 40)))),
    }
}

fn parse_welcome(object: serde_json::Map<String, Value>) -> Result<Answer, Fault> {
    match object.get("v") {
        Some(v) if v.as_u64() == Some(VERSION) => {}
        other => {
            let theirs = other.map_or_else(|| "none".to_owned(), Value::to_string);
            return Ok(Answer::OtherVersion(super::cut(&theirs, 40).to_owned()));
        }
    }
    Welcome::deserialize(Value::Object(object))
        .map(Answer::Welcome)
        .map_err(|error| Fault::new("handshake", format!("`welcome` was not understood: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::tests::NOW;
    use mqtypes::ids::BootId;

    fn lbr(text: &str) -> Lbr {
        let text = || text.to_owned();
        Lbr { id: text(), name: text(), hostname: text(), version: "0.1.0", boot: BootId(0xdead_beef) }
    }

    #[test]
    fn hello_is_as_documented() {
        assert_eq!(
            hello(&lbr("x"), Some(&Nonce::new([0xab; 16])), 0, NOW),
            r#"{"type":"hello","seq":0,"t":1700000010000,"v":[1],"lbr":{"id":"x","name":"x","hostname":"x","version":"0.1.0","boot":"deadbeef"},"nonce":"abababababababababababababababab"}"#
        );
        assert!(!hello(&lbr("x"), None, 0, NOW).contains("nonce"));
    }

    #[test]
    fn the_longest_hello_keeps_the_limit_before_authentication() {
        let longest = lbr(&"\"".repeat(64));
        assert!(hello(&longest, Some(&Nonce::new([0; 16])), 0, NOW).len() <= 1024);
    }

    #[test]
    fn a_welcome_of_our_version_is_understood_and_unknown_fields_are_passed_over() {
        let text = r#"{"type":"welcome","v":1,"host":{"name":"gui-host","version":"9","os":"x"},"nonce":"n","proof":"p","new":[]}"#;
        let host = HostName { name: "gui-host".to_owned(), version: "9".to_owned() };
        assert_eq!(parse(text), Ok(Answer::Welcome(Welcome { host, nonce: Some("n".to_owned()), proof: Some("p".to_owned()) })));
        let bare = Welcome { host: HostName::default(), nonce: None, proof: None };
        assert_eq!(parse(r#"{"type":"welcome","v":1}"#), Ok(Answer::Welcome(bare)));
    }

    #[test]
    fn another_version_is_told_from_nonsense() {
        assert_eq!(parse(r#"{"type":"welcome","v":2}"#), Ok(Answer::OtherVersion("2".to_owned())));
        assert_eq!(parse(r#"{"type":"welcome"}"#), Ok(Answer::OtherVersion("none".to_owned())));
        for (text, code) in [
            ("", "invalid-json"),
            ("[]", "no-type"),
            (r#"{"type":"refresh"}"#, "handshake"),
            (r#"{"type":"welcome","v":1,"nonce":5}"#, "handshake"),
        ] {
            assert_eq!(parse(text).expect_err(text).code, code, "{text}");
        }
    }

    #[test]
    fn the_hosts_refusal_is_read() {
        let text = r#"{"type":"error","code":"unauthorized","text":"no"}"#;
        assert_eq!(parse(text), Ok(Answer::Complaint(Complaint { code: "unauthorized".to_owned(), text: "no".to_owned() })));
    }
}
