//! Files as people have them: plain, gzipped, from a pipe, raw, cut short, and the wrong ones.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Output, Stdio};

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::bench::{data, decode, decode_bytes, lines, told, told_json, unpacked};

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What a mote of recording A sent, byte for byte.
fn raw() -> Vec<u8> {
    let lines = lines("A.jsonl.gz").into_iter().filter(|line| line["dir"] == "rx");
    lines.flat_map(|line| HEXLOWER.decode(line["hex"].as_str().expect("hex").as_bytes()).expect("hex")).collect()
}

/// Its complaint, without the program's name; the exit code is that of a wrong file.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(65), "{text}");
    text.strip_prefix("mq-inspect: ").expect("its name").trim_end().to_owned()
}

#[test]
fn a_file_says_the_same_plain_gzipped_in_parts_and_from_a_pipe() {
    let directory = tempfile::tempdir().expect("made");
    let text = unpacked("A.jsonl.gz");
    let expected = told(&["--json"], &data("A.jsonl.gz"));
    let plain = directory.path().join("named-wrongly.gz");
    fs::write(&plain, &text).expect("written");
    assert!(told(&["--json"], &plain) == expected);
    let (first, second) = text.split_at(text.len() / 2);
    let parts = [gzipped(first.as_bytes()), gzipped(second.as_bytes())].concat();
    for bytes in [text.as_bytes(), &gzipped(text.as_bytes()), &parts] {
        let output = decode_bytes(&["--json"], bytes);
        assert!(output.status.success() && output.stdout == expected.as_bytes());
    }
}

#[test]
fn a_raw_capture_has_the_frames_of_its_recording_without_times() {
    let output = decode_bytes(&["--json", "--raw"], &raw());
    assert!(output.status.success() && output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).expect("text");
    let frames: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut expected = told_json(&["--json"], &data("A.jsonl.gz"));
    for frame in &mut expected {
        let frame = frame.as_object_mut().expect("an object");
        frame.insert("t".to_owned(), Value::Null);
        frame.insert("port".to_owned(), json!("raw"));
        // Nobody knows what the host had sent.
        frame.remove("echo");
    }
    assert_eq!(frames.len(), 2_201);
    assert!(frames == expected);
    let zipped = decode_bytes(&["--json", "--raw"], &gzipped(&raw()));
    assert!(zipped.stdout == text.as_bytes());
    let state = decode_bytes(&["--json", "--raw", "--state"], &raw());
    let state: Value = serde_json::from_slice(&state.stdout).expect("JSON");
    assert_eq!(state["motes"]["raw"]["mote"], "141592cc00000001");
}

#[test]
fn a_line_for_a_person_has_time_port_direction_kind_and_words() {
    let text = told(&["--dir", "both"], &data("A.jsonl.gz"));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2_201 + 3);
    assert_eq!(lines[0], "   0.000087 mote1 rx success    OPENWSN: booted");
    let root = "  18.129202 mote1 tx set-root   be DAG root if you are none, and none if you are, prefix bbbb::/64, key 1 (not shown)";
    assert!(lines.contains(&root));
    assert!(lines.contains(&"   4.002986 mote1 rx data       ASN 400, echo of 10 bytes c9efe197fbbb3fbe1d9a"));
    assert!(!text.contains('\x1b'), "a pipe is not coloured");
}

#[test]
fn the_state_for_a_person_has_every_mote_with_its_neighbours_and_cells() {
    let text = told(&["--state"], &data("B.jsonl.gz"));
    let first: Vec<_> = text.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(first[0], "mote1: 141592cc00000001, 6959 frames, 1 boots, the last at 0.000 s, heard at 689.882 s");
    assert_eq!(first[1], "  141592cc00000001: no preferred parent; 3 neighbours; 5 cells; queue 0/20");
    assert!(first.contains(&"  IsSync       synchronised"));
    assert!(first.contains(&"      0  141592cc00000005  none  -61  124   0      0    -       0         63933"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("mote")).count(), 5);
    assert!(!text.contains("before its last boot"));
}

#[test]
fn what_a_mote_told_before_its_last_boot_is_marked() {
    let booted = r#"{"t": 230, "dir": "rx", "port": "mote1", "hex": "7e550001014f0000000028ea7e"}"#;
    let output = decode_bytes(&["--state"], (unpacked("A.jsonl.gz") + booted).as_bytes());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("mote1: 141592cc00000001, 2202 frames, 2 boots, the last at 230.000 s"), "{text}");
    assert!(text.contains("  Joined       not joined (told before its last boot)\n"), "{text}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place_and_the_way_out() {
    let good = r#"{"t": 0, "dir": "rx", "port": "a", "hex": "7e52ef817e"}"#;
    let way_out =
        r#"{"t": 0.1, "dir": "rx", "port": "mote1", "hex": "7e…"} is expected; for a mote's bytes as they came off its line say --raw"#;
    let cases = [
        ("no recording at all".to_owned(), format!("standard input, line 1: expected ident at column 2; {way_out}")),
        (format!("{good}\n{}", good.replace("ef81", "ef8")), "standard input, line 2: `hex` is none (".to_owned()),
        (format!("{good}\n\n{}", good.replace("\"rx\"", "\"up\"")), "standard input, line 3: unknown variant `up`".to_owned()),
        ("x".repeat(1_000_000), format!("standard input, line 1: longer than 16384 bytes; {way_out}")),
    ];
    for (text, expected) in cases {
        let output = decode_bytes(&["--json"], text.as_bytes());
        let complaint = complaint(&output);
        assert!(complaint.starts_with(&expected), "{complaint}");
        // What came before is told all the same.
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), usize::from(text.starts_with(good)));
    }
}

#[test]
fn of_a_gzipped_file_that_was_cut_short_or_damaged_all_that_can_be_is_told() {
    let whole = fs::read(data("A.jsonl.gz")).expect("there");
    let cut = decode_bytes(&[], &whole[..whole.len() / 2]);
    assert!(complaint(&cut).ends_with(": the gzip file ends in the middle; what came before was decoded; copy the file again"));
    assert!(cut.stdout.starts_with(b"   0.000087 mote1 rx success"));
    let mut damaged = whole.clone();
    let end = damaged.len() - 5;
    damaged[end] ^= 1;
    let output = decode_bytes(&[], &damaged);
    assert!(complaint(&output).contains(": the gzip file is damaged ("));
    assert_eq!(String::from_utf8(output.stdout).expect("text"), told(&[], &data("A.jsonl.gz")));
    let raw = decode_bytes(&["--raw"], &gzipped(&raw())[..1000]);
    assert!(complaint(&raw).starts_with("standard input, after "));
}

#[test]
fn a_file_that_is_not_there_or_cannot_be_read_is_named() {
    for (file, cause) in [("/nowhere/x.jsonl", "No such file or directory"), ("/", "Is a directory")] {
        let output = decode(&[file]).output().expect("it can be run");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(69), "{text}");
        assert!(text.starts_with(&format!("mq-inspect: {file}: {cause}")), "{text}");
    }
}

#[test]
fn a_file_without_a_frame_is_no_error_but_is_said() {
    for (args, bytes) in [(&[][..], &b""[..]), (&["--raw"], b"some noise"), (&["--state"], b"\n")] {
        let output = decode_bytes(args, bytes);
        assert!(output.status.success() && output.stdout.is_empty());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "mq-inspect: standard input: no frame is in it\n");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    for args in [&[][..], &["--json"], &["--state"]] {
        let mut child = decode(args).arg(data("B.jsonl.gz")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be run");
        let mut line = String::new();
        // Its pipe is closed when this returns.
        BufReader::with_capacity(16, child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success() && output.stderr.is_empty() && line.ends_with('\n'));
    }
}
