//! The handshake, seen from the router: `hello`, then `welcome`, then `auth`.
//!
//! The host proves itself first: without its proof it gets neither ours nor anything we know.

use bus::moment::Moment;

use crate::identity::Lbr;
use crate::json::handshake::{self, Answer, VERSION, Welcome};
use crate::key::Key;
use crate::message::Sequence;
use crate::proof::{Nonce, Role, Transcript, Verdict};
use crate::request::{Complaint, Fault, Patience, Strikes};

/// How the two sides prove themselves.
#[derive(Debug, Clone)]
pub enum Auth {
    /// By this key.
    Key(Key),
    /// Not at all.
    None,
}

/// A handshake under way: `hello` was said.
#[derive(Debug)]
pub struct Greeting {
    sequence: Sequence,
    strikes: Strikes,
    proving: Proving,
}

#[derive(Debug)]
enum Proving {
    Key { key: Key, port: u16, nonce: Nonce },
    None,
}

/// What the host's answer comes to.
#[derive(Debug)]
pub enum Step {
    /// The link is up. `auth` is to be said first, if there is one.
    Up {
        /// The last message of the handshake.
        auth: Option<String>,
        /// The host's name and version, for the log.
        host: String,
    },
    /// It was not understood; say this, and wait for another answer.
    Again(String),
    /// The host says no; it will close the link.
    Refused(Complaint),
    /// Say this, and close.
    End {
        /// `error`.
        last_words: String,
        /// Why.
        end: End,
    },
}

/// Why a handshake is ended from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No common version.
    Version,
    /// A wrong proof, or none.
    Unauthorized,
    /// Three messages that were not understood.
    Faults,
}

impl Greeting {
    /// Begins with `hello`.
    pub fn begin(lbr: &Lbr, auth: &Auth, port: u16, nonce: Nonce, now: Moment) -> (Self, String) {
        let mut sequence = Sequence::default();
        let (proving, hello) = match auth {
            Auth::Key(key) => {
                let hello = handshake::hello(lbr, Some(&nonce), sequence.take(), now);
                (Proving::Key { key: key.clone(), port, nonce }, hello)
            }
            Auth::None => (Proving::None, handshake::hello(lbr, None, sequence.take(), now)),
        };
        (Self { sequence, strikes: Strikes::default(), proving }, hello)
    }

    /// The host answers.
    pub fn handle_text(&mut self, now: Moment, text: &str) -> Step {
        match handshake::parse(text) {
            Ok(Answer::Welcome(welcome)) => self.handle_welcome(now, &welcome),
            Ok(Answer::OtherVersion(theirs)) => {
                let text =
                    format!("this router speaks version {VERSION} of the link, the host answers in version {theirs}; update the older one");
                self.end(now, End::Version, &Fault::new("version", text))
            }
            Ok(Answer::Complaint(complaint)) => Step::Refused(complaint),
            Err(fault) => self.handle_fault(now, &fault),
        }
    }

    /// The host said something that is no answer.
    pub fn handle_fault(&mut self, now: Moment, fault: &Fault) -> Step {
        match self.strikes.fault() {
            Patience::Left => Step::Again(handshake::error(fault, self.sequence.take(), now)),
            Patience::Exhausted => self.end(now, End::Faults, fault),
        }
    }

    /// The numbers go on in the session.
    pub fn into_sequence(self) -> Sequence {
        self.sequence
    }

    fn handle_welcome(&mut self, now: Moment, welcome: &Welcome) -> Step {
        let host = format!("{} {}", welcome.host.name, welcome.host.version).escape_debug().take(80).collect();
        match self.prove(welcome) {
            Ok(proof) => {
                let auth = proof.map(|proof| handshake::auth(&proof, self.sequence.take(), now));
                Step::Up { auth, host }
            }
            Err(text) => self.end(now, End::Unauthorized, &Fault::new("unauthorized", text)),
        }
    }

    /// Our proof in return for the host's.
    fn prove(&self, welcome: &Welcome) -> Result<Option<String>, &'static str> {
        let Proving::Key { key, port, nonce } = &self.proving else { return Ok(None) };
        let (Some(host_nonce), Some(proof)) = (&welcome.nonce, &welcome.proof) else {
            return Err("the host shows no proof that it holds the key; give both sides the same key");
        };
        let host = Nonce::parse(host_nonce).map_err(|_| "the host's nonce is not 32 hex digits")?;
        let transcript = Transcript { port: *port, router: nonce.clone(), host };
        match transcript.verify(key, Role::Host, proof) {
            Verdict::Right => Ok(Some(transcript.prove(key, Role::Router))),
            Verdict::Wrong => Err("the host's proof is wrong: its key is another, or the tunnel leads from another port than it thinks"),
        }
    }

    fn end(&mut self, now: Moment, end: End, fault: &Fault) -> Step {
        Step::End { last_words: handshake::error(fault, self.sequence.take(), now), end }
    }
}
