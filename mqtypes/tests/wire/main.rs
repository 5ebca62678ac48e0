//! What `WIRE.md` says of the bytes is so.
//!
//! It is written for people who will not read the sources, and who build on every number in it. So a reader that knows the document alone
//! takes all golden lines of the current version apart, and must come to what the codec comes to; and the document must have everything that occurs in them.

mod document;
mod reader;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use document::{Document, Shape};
use mqtypes::broker::{Notification, Request};
use mqtypes::codec::{self, DecodeError, Item};
use mqtypes::envelope::{CURRENT, MAGIC, NO_FLAGS, PREFIX_LEN, Sender};
use mqtypes::queues::{self, Spec};
use mqtypes::serial::{MAX_LINE_BYTES, MAX_PAYLOAD_TO_MOTE, SerialCommand, SerialNotification};
use mqtypes::wake::ProxyRequest;
use reader::Reader;

/// One line of a golden file.
struct Golden {
    file: String,
    name: String,
    bytes: Vec<u8>,
}

impl Golden {
    /// `Port.PortState.Down` is an example of all of `Port.PortState.*`: the enum and its variant come last.
    fn group(&self) -> Option<(&str, &str, &str)> {
        let (path, variant) = self.name.rsplit_once('.')?;
        let of = path.rsplit('.').next().expect("what is split has a last part");
        let is_type = |name: &str| name.starts_with(|first: char| first.is_ascii_uppercase());
        (is_type(variant) && is_type(of)).then_some((path, of, variant))
    }
}

fn golden() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{CURRENT}"));
    let mut lines = Vec::new();
    for entry in fs::read_dir(&folder).expect("the current version has its folder") {
        let path = entry.expect("listed").path();
        let file = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        for line in fs::read_to_string(&path).expect("readable").lines() {
            let (name, hex) = line.split_once(' ').expect("name and hex");
            lines.push(Golden { file: file.clone(), name: name.to_owned(), bytes: from_hex(hex) });
        }
    }
    assert!(lines.len() > 100, "the golden lines were looked for in the wrong place");
    lines
}

/// Which type of items each golden file has, by the document.
fn items_of_files(document: &Document) -> BTreeMap<String, String> {
    let rows = document.rows("10. Versions and golden lines", &["golden file", "items"]);
    rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

/// What the codec reads.
fn by_the_codec(kind: &str, bytes: &[u8]) -> String {
    fn read<M: Item + Debug>(bytes: &[u8]) -> String {
        let (envelope, items) = codec::decode::<M>(bytes).expect("golden");
        format!("{envelope:?} {items:?}")
    }
    match kind {
        "ProxyRequest" => read::<ProxyRequest>(bytes),
        "SerialCommand" => read::<SerialCommand>(bytes),
        "SerialNotification" => read::<SerialNotification>(bytes),
        "Request" => read::<Request>(bytes),
        "Notification" => read::<Notification>(bytes),
        other => panic!("WIRE.md names `{other}` as the items of a queue"),
    }
}

/// What one reads who knows the document alone, and which types and variants are met.
fn by_the_document(types: &BTreeMap<String, Shape>, kind: &str, bytes: &[u8]) -> (String, BTreeSet<String>) {
    assert_eq!(bytes[..PREFIX_LEN], [0x6f, 0x4c, 0x42, 0x52, CURRENT, NO_FLAGS]);
    let mut reader = Reader::new(types, &bytes[PREFIX_LEN..]);
    let envelope = reader.value("Envelope");
    let mut items = Vec::new();
    while !reader.is_at_end() {
        items.push(reader.value(kind));
    }
    (format!("{envelope} [{}]", items.join(", ")), reader.met)
}

#[test]
fn the_document_alone_is_enough_to_read_every_golden_line() {
    let document = Document::read();
    let (types, files) = (document.types(), items_of_files(&document));
    for Golden { file, name, bytes } in golden() {
        let kind = files.get(&file).unwrap_or_else(|| panic!("WIRE.md does not say what {file} has"));
        assert_eq!(by_the_document(&types, kind, &bytes).0, by_the_codec(kind, &bytes), "{file} {name}");
    }
}

#[test]
fn every_type_is_described_as_it_is_declared() {
    let (described, declared) = (Document::read().types(), sources::types());
    assert!(declared.len() > 50, "the declarations were looked for in the wrong place");
    for (name, shape) in &declared {
        assert_eq!(described.get(name), Some(shape), "the left is in the document, the right in the sources: `{name}`");
    }
    assert_eq!(described.len(), declared.len(), "something in the document is made up");
}

#[test]
fn every_variant_has_its_number_and_nothing_in_the_document_is_made_up() {
    let document = Document::read();
    let (types, files) = (document.types(), items_of_files(&document));
    let mut met = BTreeSet::new();
    for line in golden() {
        let kind = &files[&line.file];
        let of_line = by_the_document(&types, kind, &line.bytes).1;
        let variant = match line.group() {
            Some((_, of, variant)) => format!("{of}.{variant}"),
            None if line.file == "envelope.hex" => "Envelope".to_owned(),
            None => format!("{kind}.{}", line.name.split('.').next().expect("a name has a first part")),
        };
        assert!(of_line.contains(&variant), "{} {}: the document does not lead to {variant}", line.file, line.name);
        met.extend(of_line);
    }
    let mut described: BTreeSet<_> = types.keys().cloned().collect();
    for (name, shape) in &types {
        if let Shape::Enum(variants) = shape {
            described.extend(variants.values().map(|variant| format!("{name}.{}", variant.name)));
        }
    }
    assert_eq!(described, met, "the left is in the document, the right in the golden lines");
}

#[test]
fn every_golden_line_is_named_where_its_type_is_described() {
    let document = Document::read();
    let files = items_of_files(&document);
    for line in golden() {
        let file = format!("`{}`", line.file);
        let (section, name) = match line.group() {
            Some((path, of, _)) => (document.section(of), format!("`{path}.*`")),
            None if line.name.contains('.') || line.file == "envelope.hex" => (document.section(""), format!("`{}`", line.name)),
            None => (document.section(&files[&line.file]), format!("`{}`", line.name)),
        };
        let text = if section.title.is_empty() { &document.text } else { &section.text };
        assert!(text.contains(&file) && text.contains(&name), "WIRE.md does not name {file} {name} under `{}`", section.title);
    }
}

#[test]
fn every_message_that_is_shown_is_a_golden_line() {
    let document = Document::read();
    let golden = golden();
    let mut shown = BTreeSet::new();
    for section in document.sections() {
        let Some(rows) = section.rows(&["bytes", ""]) else { continue };
        let title = section.title.replace('`', "");
        let line = golden.iter().find(|line| format!("{} {}", line.file, line.name) == title);
        let bytes: Vec<u8> = rows.iter().flat_map(|row| from_hex(&row[0].replace(' ', ""))).collect();
        assert_eq!(line.unwrap_or_else(|| panic!("`{title}` is no golden line")).bytes, bytes, "{title}");
        shown.insert(title);
    }
    for important in ["serial_notification.hex Frame", "serial_notification.hex Port", "serial_command.hex Write", "request.hex Subscribe"]
    {
        assert!(shown.contains(important), "{important} is not taken apart");
    }
    assert!(shown.iter().any(|title| title.starts_with("notification.hex Status.")), "no status is taken apart");
}

#[test]
fn the_values_that_are_shown_have_these_bytes() {
    let document = Document::read();
    let types = document.types();
    let rows = document.rows("2. Values", &["value", "type", "bytes"]);
    assert!(rows.len() > 10);
    for row in rows {
        let bytes = from_hex(&row[2].replace(' ', ""));
        let mut reader = Reader::new(&types, &bytes);
        let value = reader.value(&row[1]);
        let value = value.strip_prefix("Some(").map_or(&*value, |some| some.trim_end_matches(')'));
        assert_eq!((value, reader.is_at_end()), (if row[0] == "none" { "None" } else { &*row[0] }, true), "{row:?}");
    }
}

#[test]
fn the_queues_are_those_of_the_sources() {
    let document = Document::read();
    let columns = ["queue", "read by", "written by", "items", "messages", "bytes in each", "mode"];
    let described: BTreeSet<_> = document.rows("1. Queues", &columns).iter().cloned().collect();
    let row = |spec: &Spec, suffix: &str, reader: &str, written_by: &str, items: &str| {
        let name = queues::kernel_name("{instance}", spec.name) + suffix;
        let (depth, size, mode) = (spec.depth.to_string(), spec.size.to_string(), format!("{:04o}", spec.access.mode()));
        [&*name, reader, written_by, items, &depth, &size, &mode].map(str::to_owned).to_vec()
    };
    let mut declared = BTreeSet::new();
    for (spec, written_by, items) in [
        (queues::EVENTBUS.spec, "`serial-bridge`", item_name(&queues::EVENTBUS)),
        (queues::EVENTBUS_REQUESTS.spec, "anybody in the group", item_name(&queues::EVENTBUS_REQUESTS)),
        (queues::SERIAL_BRIDGE.spec, "`eventbus`", item_name(&queues::SERIAL_BRIDGE)),
        (queues::UI_PROXY.spec, "`eventbus`", item_name(&queues::UI_PROXY)),
        (queues::UI_PROXY_REQUESTS.spec, "anybody in the group", item_name(&queues::UI_PROXY_REQUESTS)),
    ] {
        declared.insert(row(&spec, "", &spec.reader.to_string(), written_by.trim_matches('`'), items));
    }
    assert_eq!(declared.len(), queues::ALL.len());
    declared.insert(row(&queues::TAP.spec, "{anything}", "a subscriber", "eventbus", item_name(&queues::TAP)));
    assert_eq!(described, declared, "the left is in the document, the right in the sources");
}

/// The name of what a queue takes, without its path.
fn item_name<M>(_: &queues::Inbox<M>) -> &'static str {
    std::any::type_name::<M>().rsplit("::").next().expect("a name has a last part")
}

#[test]
fn the_numbers_in_its_sentences_are_those_of_the_sources() {
    let text = Document::read().text.split_whitespace().collect::<Vec<_>>().join(" ");
    let facts = [
        format!("# The bytes on the bus, protocol version {CURRENT} "),
        format!("(`{}`), the protocol version ({CURRENT})", String::from_utf8_lossy(&MAGIC)),
        format!("`{}` unless the processes were", queues::DEFAULT_INSTANCE),
        format!("1 to {MAX_PAYLOAD_TO_MOTE} bytes"),
        format!("1 to {MAX_LINE_BYTES} of them"),
        "the whole name has at most 64 characters".to_owned(),
    ];
    for fact in &facts {
        assert!(text.contains(fact), "WIRE.md does not say: {fact}");
    }
    assert!(
        queues::may_be_delivered_to(&format!("tap-{}", "a".repeat(60))) && !queues::may_be_delivered_to(&format!("tap-{}", "a".repeat(61)))
    );
    assert!(queues::is_instance_name(&"a".repeat(32)) && !queues::is_instance_name(&"a".repeat(33)));
}

#[test]
fn every_reason_for_passing_a_message_over_is_listed() {
    let document = Document::read();
    let listed: Vec<_> = document.rows("What is no message", &["reason", ""]).iter().map(|row| row[0].clone()).collect();
    let errors = [
        DecodeError::Foreign { len: 0 },
        DecodeError::Newer { got: 3 },
        DecodeError::Older { got: 1 },
        DecodeError::Malformed { sender: None, what: String::new() },
        DecodeError::Trailing { sender: Sender::Tool, items: 1, len: 1 },
    ];
    assert_eq!(listed, errors.map(|error| error.reason().to_owned()));
}

#[test]
fn longer_forms_of_an_integer_are_read_and_wider_ones_are_not() {
    let wake = |port: &[u8]| {
        let mut bytes = from_hex("6f4c42520200030101010001");
        bytes.extend(port);
        codec::decode::<ProxyRequest>(&bytes).map(|(_, items)| items).map_err(|error| error.reason())
    };
    assert_eq!(wake(&[7]), Ok(vec![ProxyRequest::Wake { port: Some(7) }]));
    assert_eq!(wake(&[251, 7, 0]), Ok(vec![ProxyRequest::Wake { port: Some(7) }]));
    for malformed in [&[252, 7, 0, 0, 0][..], &[253, 7, 0, 0, 0, 0, 0, 0, 0], &[254], &[255], &[]] {
        assert_eq!(wake(malformed), Err("malformed"), "{malformed:?}");
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}
