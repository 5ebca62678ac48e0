//! Messages of any content: what is packed comes out again, and no bytes whatever can make the decoder panic.

mod strategies;

use std::fmt::Debug;

use mqtypes::broker::{Notification, Request};
use mqtypes::codec::{self, Item, MAX_MESSAGE, Packer};
use mqtypes::envelope::{Envelope, PREFIX_LEN};
use mqtypes::serial::{SerialCommand, SerialNotification};
use mqtypes::wake::ProxyRequest;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Packs until an item does not fit, and expects the items before it.
fn what_is_packed_comes_out<M>(envelope: Envelope, items: Vec<M>, size: usize) -> Result<(), TestCaseError>
where
    M: Item + PartialEq + Debug,
{
    let mut buffer = vec![0; size];
    let mut packer = Packer::new(&mut buffer, &envelope).expect("the head fits");
    let fitting = items.iter().take_while(|item| packer.push(*item).is_ok()).count();
    prop_assert_eq!(packer.items(), fitting);
    let message = packer.bytes().to_vec();
    if fitting == 0 {
        prop_assert!(codec::decode::<M>(&message).is_err());
        return Ok(());
    }
    let packed: Vec<M> = items.into_iter().take(fitting).collect();
    prop_assert_eq!(codec::decode(&message), Ok((envelope, packed)));
    Ok(())
}

/// A message in the decoder's hands, whoever sent it: an answer or a reason, never a panic.
fn is_decoded_or_refused(message: &[u8]) {
    fn one<M: Item>(message: &[u8]) {
        match codec::decode::<M>(message) {
            Ok((_envelope, items)) => assert!(!items.is_empty()),
            Err(error) => assert!(!error.reason().is_empty() && !error.to_string().is_empty()),
        }
    }
    one::<SerialNotification>(message);
    one::<SerialCommand>(message);
    one::<Request>(message);
    one::<Notification>(message);
    one::<ProxyRequest>(message);
}

/// Some are too small for all of the items.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![64_usize..600, Just(2048), Just(MAX_MESSAGE)]
}

proptest! {
    #[test]
    fn serial_notifications_come_out_as_they_went_in(
        envelope in strategies::envelope(), items in vec(strategies::serial_notification(), 1..80), size in sizes()
    ) {
        what_is_packed_comes_out(envelope, items, size)?;
    }

    #[test]
    fn serial_commands_come_out_as_they_went_in(
        envelope in strategies::envelope(), items in vec(strategies::serial_command(), 1..80), size in sizes()
    ) {
        what_is_packed_comes_out(envelope, items, size)?;
    }

    #[test]
    fn requests_come_out_as_they_went_in(
        envelope in strategies::envelope(), items in vec(strategies::request(), 1..80), size in sizes()
    ) {
        what_is_packed_comes_out(envelope, items, size)?;
    }

    #[test]
    fn notifications_come_out_as_they_went_in(
        envelope in strategies::envelope(), items in vec(strategies::notification(), 1..80), size in sizes()
    ) {
        what_is_packed_comes_out(envelope, items, size)?;
    }

    #[test]
    fn proxy_requests_come_out_as_they_went_in(
        envelope in strategies::envelope(), items in vec(strategies::proxy_request(), 1..80), size in sizes()
    ) {
        what_is_packed_comes_out(envelope, items, size)?;
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        envelope in strategies::envelope(), kept in 0_usize..24, noise in vec(any::<u8>(), 0..300)
    ) {
        let mut message = codec::encode(&envelope, &ProxyRequest::Wake { port: None }).expect("fits");
        message.truncate(kept);
        message.extend(noise);
        is_decoded_or_refused(&message);
    }

    /// Lengths, variants and counts inside an otherwise right message are what a decoder trusts most.
    #[test]
    fn a_damaged_message_is_decoded_or_refused(
        item in strategies::notification(), envelope in strategies::envelope(), damage in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Index>()
    ) {
        let mut message = codec::encode(&envelope, &item).expect("fits");
        for (at, byte) in damage {
            let at = PREFIX_LEN + at.index(message.len() - PREFIX_LEN);
            message[at] = byte;
        }
        is_decoded_or_refused(&message);
        message.truncate(cut.index(message.len()));
        is_decoded_or_refused(&message);
    }
}
