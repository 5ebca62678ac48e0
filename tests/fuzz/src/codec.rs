//! Messages of the bus, of every family: what lies in a queue may come from anybody.

use mqtypes::broker::{Notification, Request};
use mqtypes::codec::{self, DecodeError, Item, MAX_MESSAGE, Packer};
use mqtypes::envelope::{CURRENT, MAGIC, PREFIX_LEN};
use mqtypes::serial::{SerialCommand, SerialNotification};
use mqtypes::wake::ProxyRequest;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, seeds};

/// The target.
pub const TARGET: Target = Target {
    name: "codec",
    run,
    seeds: golden,
    repair,
    longest: MAX_MESSAGE,
    // A message of the smallest items, each decoded to its full size, in a list that grows by doubling.
    most_held: 8 * 1024 * 1024,
    short_run: 10_000,
};

/// The families, by the names of their golden files.
const FAMILIES: [&str; 6] = ["envelope", "notification", "proxy_request", "request", "serial_command", "serial_notification"];

/// Takes `input` for a message of each family. What is understood means the same when it is encoded again, and is no longer then.
pub fn run(input: &[u8]) -> Outcome {
    let understood = [
        read::<Notification>(input).map(|()| "notification"),
        read::<Request>(input).map(|()| "request"),
        read::<SerialCommand>(input).map(|()| "serial command"),
        read::<SerialNotification>(input).map(|()| "serial notification"),
        read::<ProxyRequest>(input).map(|()| "proxy request"),
    ];
    match &understood[0] {
        Err(error) if understood.iter().all(Result::is_err) => error.reason().into(),
        Ok(_) | Err(_) => crate::outcome(understood.iter().flatten().copied()),
    }
}

fn read<T: Item + PartialEq + std::fmt::Debug>(message: &[u8]) -> Result<(), DecodeError> {
    let (envelope, items) = codec::decode::<T>(message).inspect_err(explains_itself)?;
    assert!(!items.is_empty());
    let mut buffer = vec![0; message.len()];
    let mut packer = Packer::new(&mut buffer, &envelope).expect("the head is no longer than it was");
    for item in &items {
        packer.push(item).expect("an item is no longer than it was");
    }
    assert_eq!(packer.items(), items.len());
    let written = packer.bytes();
    if written.len() == message.len() {
        // The flags are not looked at; a number written wider than it must be would make the message longer.
        assert_eq!(written[PREFIX_LEN..], message[PREFIX_LEN..]);
    }
    let without_its_end = codec::decode::<T>(&message[..message.len() - 1]);
    assert_ne!(without_its_end.as_ref().map(|(_, fewer)| fewer), Ok(&items), "the last byte was passed over");
    assert_eq!(codec::decode::<T>(written), Ok((envelope, items)));
    Ok(())
}

fn explains_itself(error: &DecodeError) {
    let words = error.to_string();
    assert!((1..400).contains(&words.len()), "{words}");
}

fn golden() -> Vec<Vec<u8>> {
    FAMILIES.into_iter().flat_map(seeds::golden).collect()
}

/// Gives the input a prefix that is read.
fn repair(input: &mut Vec<u8>, _chance: &mut Chance) {
    if input.len() < PREFIX_LEN {
        input.resize(PREFIX_LEN, 0);
    }
    input[..MAGIC.len()].copy_from_slice(&MAGIC);
    input[MAGIC.len()] = CURRENT;
}
