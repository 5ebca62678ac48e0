//! What the host sent, written down for tests and support: a JSON object a line, as soon as a frame is complete.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use bus::process::Failure;
use data_encoding::HEXLOWER;
use eventbus::frame::{FrameError, HostFrame};
use mqtypes::mono::Mono;
use serde_json::{Value, json};

use crate::emulator::receiver::Input;
use crate::emulator::script::Event;

/// The file, if one is wanted.
#[derive(Debug)]
pub(super) struct HostLog {
    file: Option<(File, PathBuf)>,
    started: Mono,
    ports: Vec<String>,
}

impl HostLog {
    /// An empty file at `path`; what it held before is lost.
    pub fn create(path: Option<&Path>, started: Mono, ports: Vec<String>) -> Result<Self, Failure> {
        let create = |path: &Path| File::create(path).map(|file| (file, path.to_owned())).map_err(|error| refused(path, &error));
        Ok(Self { file: path.map(create).transpose()?, started, ports })
    }

    /// Writes one line: when, counted from the start of the program; which port; what it is; the payload.
    pub fn write(&mut self, event: &Event) -> Result<(), Failure> {
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        let line = line(event, event.at.since(self.started).as_secs_f64(), &self.ports[event.port]);
        file.write_all(format!("{line}\n").as_bytes()).map_err(|error| refused(path, &error))
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Environment(format!("--log-host {}: {error}; name a file that we may write to", path.display()))
}

fn line(event: &Event, t: f64, port: &str) -> Value {
    let (kind, payload) = match &event.input {
        Input::Frame(payload) => (kind(payload), payload.as_slice()),
        Input::WrongCrc => ("bad-crc", [].as_slice()),
        Input::Overflow => ("too-long", [].as_slice()),
    };
    json!({"t": t, "port": port, "kind": kind, "hex": HEXLOWER.encode(payload)})
}

/// What a mote makes of the payload.
fn kind(payload: &[u8]) -> &'static str {
    match HostFrame::parse(payload) {
        Ok(HostFrame::SetRoot(_)) => "set-root",
        Ok(HostFrame::Data { .. }) => "data",
        Ok(HostFrame::Echo(_)) => "echo",
        Ok(HostFrame::Reset) => "reset",
        Err(FrameError::UnknownType(_)) => "unknown",
        Err(_wrong) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_came_and_what_it_is() {
        let check = |input, text| assert_eq!(line(&Event { at: Mono(0), port: 0, input }, 1.5, "mote1").to_string(), text);
        check(Input::Frame(b"S\x01".to_vec()), r#"{"hex":"5301","kind":"echo","port":"mote1","t":1.5}"#);
        check(Input::Frame(b"Z".to_vec()), r#"{"hex":"5a","kind":"unknown","port":"mote1","t":1.5}"#);
        check(Input::Frame(b"R".to_vec()), r#"{"hex":"52","kind":"refused","port":"mote1","t":1.5}"#);
        check(Input::WrongCrc, r#"{"hex":"","kind":"bad-crc","port":"mote1","t":1.5}"#);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = HostLog::create(Some(Path::new("/nowhere/x")), Mono(0), vec![]).expect_err("refused").to_string();
        assert!(error.starts_with("--log-host /nowhere/x: "), "{error}");
    }
}
