//! The lines of a recording: when, in which direction and on which port bytes were seen on the wire.
//!
//! One JSON object a line: `{"t": seconds, "dir": "rx"|"tx", "port": "mote1", "hex": "…"}`, where `rx` is from the mote. A
//! file that is none is refused with the line and the way out; of one that is, a line at a time is held and no more.

use std::borrow::Cow;
use std::collections::BTreeSet;

use data_encoding::HEXLOWER_PERMISSIVE;
use mqtypes::ids::PortName;
use mqtypes::serial::Direction;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::input::{Input, Place, Trouble};

/// A line of 512 bytes off the wire has a tenth of it.
const LONGEST_LINE: usize = 16 * 1024;

/// Nobody records more motes than this at once.
const MOST_PORTS: usize = 1024;

/// The longest name of a port: a device path by its serial number has a hundred.
const LONGEST_PORT: usize = 255;

/// More than three years, in seconds; a later time is a mistake.
const LATEST: f64 = 1e8;

/// The bytes of a raw capture that are looked at together.
const RAW_CHUNK: usize = 4096;

/// The name of the one port of a raw capture.
const RAW_PORT: &str = "raw";

/// How a line should look, for whoever gave us another file.
const EXPECTED: &str = r#"{"t": 0.1, "dir": "rx", "port": "mote1", "hex": "7e…"} is expected"#;

/// Bytes that came close together.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Seconds since the recording began; none in a raw capture.
    pub at: Option<f64>,
    /// Who sent them.
    pub direction: Direction,
    /// Where they were seen.
    pub port: PortName,
    /// As they were on the wire: flags, escapes, XON, XOFF, CRC.
    pub bytes: Vec<u8>,
}

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Lines of JSON.
    Recording,
    /// What a mote sent, byte for byte.
    Raw,
}

/// A file, a chunk at a time.
pub struct Chunks {
    input: Input,
    layout: Layout,
    /// Lines or bytes, by the layout.
    taken: u64,
    ports: BTreeSet<PortName>,
}

#[derive(Deserialize)]
struct Line<'a> {
    t: f64,
    #[serde(deserialize_with = "direction")]
    dir: Direction,
    #[serde(borrow)]
    port: Cow<'a, str>,
    #[serde(borrow)]
    hex: Cow<'a, str>,
}

/// The bus says nothing in JSON that it would have to read, so that its own type cannot do this.
fn direction<'de, D: Deserializer<'de>>(value: D) -> Result<Direction, D::Error> {
    let name = Cow::<str>::deserialize(value)?;
    let known = [Direction::Rx, Direction::Tx].into_iter().find(|direction| direction.name() == name);
    known.ok_or_else(|| Error::unknown_variant(&name, &["rx", "tx"]))
}

impl Chunks {
    /// Nothing is read yet.
    pub fn new(input: Input, layout: Layout) -> Self {
        Self { input, layout, taken: 0, ports: BTreeSet::new() }
    }

    /// The next chunk; none at the end of the file.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, Trouble> {
        match self.layout {
            Layout::Recording => self.next_line(),
            Layout::Raw => self.next_bytes(),
        }
    }

    /// The file's name, for messages.
    pub fn name(&self) -> &str {
        self.input.name()
    }

    fn next_line(&mut self) -> Result<Option<Chunk>, Trouble> {
        loop {
            self.taken += 1;
            let place = Place::Line(self.taken);
            let line = self.input.line(LONGEST_LINE, place)?;
            if line.len() > LONGEST_LINE {
                return Err(self.input.wrong(place, format!("longer than {LONGEST_LINE} bytes; {EXPECTED}")));
            }
            if line.is_empty() {
                return Ok(None);
            }
            if !line.trim_ascii().is_empty() {
                let chunk = parse(&line, &mut self.ports);
                return chunk.map(Some).map_err(|cause| self.input.wrong(place, cause));
            }
        }
    }

    fn next_bytes(&mut self) -> Result<Option<Chunk>, Trouble> {
        let bytes = self.input.bytes(RAW_CHUNK, Place::Byte(self.taken))?;
        self.taken += bytes.len() as u64;
        let chunk = Chunk { at: None, direction: Direction::Rx, port: PortName(RAW_PORT.to_owned()), bytes };
        Ok((!chunk.bytes.is_empty()).then_some(chunk))
    }
}

fn parse(line: &[u8], ports: &mut BTreeSet<PortName>) -> Result<Chunk, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| {
        // It counts the lines of its own input, which has one.
        format!("{}; {EXPECTED}", error.to_string().replace(" at line 1 column ", " at column "))
    })?;
    if !(0.0..=LATEST).contains(&line.t) {
        return Err(format!("`t` is {}: seconds from 0 to {LATEST} are expected", line.t));
    }
    let bytes = HEXLOWER_PERMISSIVE
        .decode(line.hex.as_bytes())
        .map_err(|error| format!("`hex` is none ({error}): two digits for each byte are expected"))?;
    let port = PortName(line.port.into_owned());
    if !ports.contains(&port) {
        check_port(&port, ports.len())?;
        ports.insert(port.clone());
    }
    Ok(Chunk { at: Some(line.t), direction: line.dir, port, bytes })
}

fn check_port(PortName(name): &PortName, known: usize) -> Result<(), String> {
    if !(1..=LONGEST_PORT).contains(&name.len()) {
        return Err(format!("`port` has {} bytes: 1 to {LONGEST_PORT} are expected", name.len()));
    }
    if known == MOST_PORTS {
        return Err(format!("more than {MOST_PORTS} ports: split the recording by ports"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunks(text: &[u8], layout: Layout) -> Result<Vec<Chunk>, String> {
        let input = Input::new(std::io::Cursor::new(text.to_vec()), "x".to_owned()).map_err(|trouble| trouble.to_string())?;
        let (mut chunks, mut all) = (Chunks::new(input, layout), Vec::new());
        while let Some(chunk) = chunks.next_chunk().map_err(|trouble| trouble.to_string())? {
            all.push(chunk);
        }
        Ok(all)
    }

    #[test]
    fn a_line_is_a_chunk_whatever_else_it_tells() {
        let text = b"\n{\"hex\": \"7E00\", \"t\": 1.5, \"dir\": \"tx\", \"port\": \"/dev/\\u0061\", \"more\": [1]}\r\n";
        let expected = Chunk { at: Some(1.5), direction: Direction::Tx, port: PortName("/dev/a".to_owned()), bytes: vec![0x7e, 0] };
        assert_eq!(chunks(text, Layout::Recording), Ok(vec![expected]));
    }

    #[test]
    fn a_wrong_line_is_named_with_its_fault_and_the_way_out() {
        let good = "{\"t\": 0, \"dir\": \"rx\", \"port\": \"a\", \"hex\": \"7e\"}\n";
        let cases = [
            ("nonsense".to_owned(), "x, line 2: expected ident at column 2; {\"t\": 0.1, "),
            ("{\"port\": \"mote1\", \"frame_hex\": \"53\"}".to_owned(), "x, line 2: missing field `t`"),
            (good.replace('0', "-1"), "x, line 2: `t` is -1: seconds"),
            (good.replace('0', "1e300"), "x, line 2: `t` is 1"),
            (good.replace("rx", "up"), "x, line 2: unknown variant `up`, expected `rx` or `tx`"),
            (good.replace("7e", "7"), "x, line 2: `hex` is none ("),
            (good.replace("7e", "7g"), "x, line 2: `hex` is none (invalid symbol at 1): two digits"),
            (good.replace("\"a\"", "\"\""), "x, line 2: `port` has 0 bytes"),
            (good.replace("\"a\"", &format!("{:?}", "p".repeat(256))), "x, line 2: `port` has 256 bytes"),
            ("x".repeat(LONGEST_LINE + 1), "x, line 2: longer than 16384 bytes; {\"t\""),
        ];
        for (line, fault) in cases {
            let error = chunks(format!("{good}{line}").as_bytes(), Layout::Recording).expect_err(&line);
            assert!(error.starts_with(fault), "{error}");
        }
    }

    #[test]
    fn ports_are_bounded() {
        let lines: Vec<_> = (0..=MOST_PORTS).map(|port| format!("{{\"t\":0,\"dir\":\"rx\",\"port\":\"{port}\",\"hex\":\"\"}}\n")).collect();
        let error = chunks(lines.concat().as_bytes(), Layout::Recording).expect_err("too many");
        assert_eq!(error, "x, line 1025: more than 1024 ports: split the recording by ports");
    }

    #[test]
    fn a_raw_capture_has_one_port_and_no_times() {
        let bytes = vec![0x7e; RAW_CHUNK + 1];
        let all = chunks(&bytes, Layout::Raw).expect("anything goes");
        assert!(all.iter().all(|chunk| (chunk.at, chunk.direction, chunk.port.0.as_str()) == (None, Direction::Rx, "raw")));
        assert_eq!(all.into_iter().flat_map(|chunk| chunk.bytes).collect::<Vec<_>>(), bytes);
    }

    proptest! {
        #[test]
        fn no_bytes_can_make_the_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = chunks(&bytes, Layout::Recording);
            let _ = chunks(&bytes, Layout::Raw);
        }
    }
}
