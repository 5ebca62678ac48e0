//! What a GUI host may say to `ui-proxy`, and whatever else can happen to the link meanwhile.

mod change;
mod stage;

use std::sync::LazyLock;

use serde_json::Value;
use ui_proxy::json::{handshake, request};
use ui_proxy::request::{HostId, Rejection, Request};

use crate::{Outcome, Target, seeds};

use data_encoding::HEXLOWER;
use stage::Stage;

/// The target. Its input is a script in lines; see [`Stage`].
pub const TARGET: Target = Target {
    name: "ui_json",
    run,
    seeds: || SCRIPTS.clone(),
    repair: change::repair,
    longest: 16 * 1024,
    // A mirror of some motes, pages of it as text, and what the script itself takes.
    most_held: 1024 * 1024,
    short_run: 1_500,
};

/// What the host may say, as the document has it.
static SAYINGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let is_the_hosts =
        |text: &String| ["subscribe", "refresh", "ui-event", "welcome"].iter().any(|kind| text.contains(&format!("\"type\": \"{kind}\"")));
    seeds::examples().into_iter().filter(is_the_hosts).collect()
});

static SCRIPTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(scripts);

/// Takes `input` for a script and plays it. Whatever the host says: it is answered within bounds, in JSON, numbered without a
/// gap; nothing is asked of the bus that is out of its range; and the link never spins.
pub fn run(input: &[u8]) -> Outcome {
    let script = String::from_utf8_lossy(input);
    let mut stage = Stage::new();
    for line in script.split('\n') {
        if !line.starts_with('!') {
            is_read_within_bounds(line);
        }
        stage.play(line);
    }
    stage.outcome()
}

/// What is read has the ranges of the document, whoever wrote it, and means the same in any other notation of the same JSON.
fn is_read_within_bounds(text: &str) {
    let read = request::parse(text);
    match &read {
        Ok(Request::Event(event)) => {
            assert!(is_id(&event.id), "{event:?}");
            assert!((1_000..=120_000).contains(&event.timeout.as_millis()), "{event:?}");
        }
        Ok(Request::Subscribe { interval, .. }) => {
            assert!(interval.is_none_or(|interval| (100..=3_600_000).contains(&interval.as_millis())), "{interval:?}");
        }
        Ok(Request::Refresh { .. }) => {}
        Ok(Request::Complaint(complaint)) => assert!(complaint.code.len() <= 400 && complaint.text.len() <= 300, "{complaint:?}"),
        Err(Rejection::Refused { id, detail }) => assert!(is_id(id) && (1..=1000).contains(&detail.len()), "{detail}"),
        Err(Rejection::Fault(fault)) => {
            assert!(fault.id.as_ref().is_none_or(is_id) && (1..=1000).contains(&fault.text.len()), "{fault:?}");
        }
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        assert_eq!(request::parse(&value.to_string()), read);
    }
    match handshake::parse(text) {
        Ok(handshake::Answer::OtherVersion(version)) => assert!(version.len() <= 40, "{version}"),
        Ok(handshake::Answer::Welcome(_) | handshake::Answer::Complaint(_)) => {}
        Err(fault) => assert!(!fault.text.is_empty()),
    }
}

fn is_id(id: &HostId) -> bool {
    match id {
        HostId::Text(text) => (1..=64).contains(&text.chars().count()),
        HostId::Number(number) => number.is_i64() || number.is_u64(),
    }
}

/// Links with and without a key, on which the host says all that the document has, while the bus tells all that it can.
fn scripts() -> Vec<Vec<u8>> {
    let told: Vec<_> = seeds::golden("notification").iter().map(|message| format!("!bus {}", HEXLOWER.encode(message))).collect();
    let snapshot = told.join("\n");
    let mut all = vec![format!("!key\n!open\n!welcome\n{snapshot}\n!pass 1000\n!ping\n!pass 20000\n!close 1000")];
    for (number, saying) in SAYINGS.iter().enumerate() {
        let outcome = ["accepted", "sent", "confirmed", "failed", "no-room", "no-eventbus"][number % 6];
        all.push(format!("{}\n{saying}\n!outcome {outcome}\n!pass 1000", stage::WELCOME));
        all.push(format!("{}\n{snapshot}\n{saying}\n!pass 300\n!outcome {outcome}\n!pong\n{saying}\n!pass 11000", stage::WELCOME));
    }
    all.extend(told.chunks(6).map(|told| format!("{}\n{}\n!pass 1000\n!lose\n!open\n{0}", stage::WELCOME, told.join("\n"))));
    all.push(format!("{0}\n!binary\n{{\n!binary\n!open\n!pass 10000\n!open\n{0}\n!long", stage::WELCOME));
    all.into_iter().map(String::into_bytes).collect()
}
