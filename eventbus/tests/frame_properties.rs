//! Frames of any content: reading never panics, and writing what was read gives the bytes back.

use eventbus::frame::{Frame, HostFrame, RootAction, SetRoot};
use mqtypes::ids::Eui64;
use mqtypes::status::Element;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Number, length and offsets of the flags of every element's body.
const ELEMENTS: &[(u8, usize, &[usize])] = &[
    (0, 1, &[0]),
    (1, 21, &[0]),
    (2, 2, &[]),
    (3, 4, &[]),
    (4, 5, &[]),
    (5, 15, &[]),
    (6, 31, &[4]),
    (7, 2, &[]),
    (8, 40, &[]),
    (8, 20, &[]),
    (9, 40, &[1, 2, 4, 36]),
    (9, 41, &[1, 2, 4, 36, 37]),
    (10, 2, &[]),
    (11, 5, &[]),
    (12, 2, &[]),
];

/// A status frame of the firmware's shape: flags are 0 or 1, all other bytes are anything.
fn status_frame() -> impl Strategy<Value = Vec<u8>> {
    select(ELEMENTS).prop_flat_map(|(number, len, flags)| {
        (any::<[u8; 2]>(), vec(any::<u8>(), len)).prop_map(move |(id, mut body)| {
            for &at in flags {
                body[at] &= 1;
            }
            [&[b'S', id[0], id[1], number], body.as_slice()].concat()
        })
    })
}

fn frame_of_type(types: &'static [u8], len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    (select(types), vec(any::<u8>(), len)).prop_map(|(kind, body)| [&[kind], body.as_slice()].concat())
}

/// Types that exist, in either direction, far more often than chance would have it.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..300),
        frame_of_type(b"SVIWUECDFPARQB", 0..300),
        (any::<[u8; 2]>(), 0_u8..16, vec(any::<u8>(), 0..60)).prop_map(|(id, number, body)| [
            &[b'S', id[0], id[1], number],
            body.as_slice()
        ]
        .concat()),
    ]
}

fn gives_its_bytes_back(payload: &[u8]) -> Result<Frame, TestCaseError> {
    let frame = Frame::parse(payload).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(frame.emit(), payload, "{:?}", frame);
    Ok(frame)
}

proptest! {
    #[test]
    fn every_status_gives_its_bytes_back(payload in status_frame()) {
        let Frame::Status(status) = gives_its_bytes_back(&payload)? else { return Err(TestCaseError::fail("no status")) };
        prop_assert!(!matches!(status.element, Element::Unknown { .. }), "{:?}", status);
    }

    #[test]
    fn every_log_gives_its_bytes_back_and_has_a_text(payload in frame_of_type(b"VIWUEC", 8..9)) {
        let Frame::Log(log) = gives_its_bytes_back(&payload)? else { return Err(TestCaseError::fail("no log")) };
        prop_assert!((1..120).contains(&log.describe().text.len()));
    }

    #[test]
    fn data_printf_and_sniffed_frames_give_their_bytes_back(payload in frame_of_type(b"DFP", 7..300)) {
        let frame = gives_its_bytes_back(&payload)?;
        if let Frame::Data(data) = &frame && let Some(mesh) = data.mesh() {
            prop_assert_eq!(&eventbus::frame::DataFrame::from_mesh(data.id16, data.asn, mesh), data);
        }
        if let Frame::Printf(printf) = &frame {
            prop_assert!(!printf.shown().contains(char::is_control));
        }
    }

    /// A flag may be written back as 1, and then once more as the same.
    #[test]
    fn any_bytes_are_a_frame_or_an_error(payload in anything()) {
        match Frame::parse(&payload) {
            Ok(frame) => {
                let written = frame.emit();
                prop_assert_eq!(written.len(), payload.len());
                prop_assert_eq!(Frame::parse(&written), Ok(frame));
            }
            Err(error) => prop_assert!(!error.reason().is_empty() && !error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_bytes_to_a_mote_are_a_frame_or_an_error(payload in anything()) {
        if let Ok(frame) = HostFrame::parse(&payload) {
            prop_assert_eq!(HostFrame::parse(&frame.emit().expect("it was taken")), Ok(frame));
        }
    }

    #[test]
    fn frames_to_a_mote_give_themselves_back(frame in host_frame()) {
        let payload = frame.emit().expect("within the limits");
        prop_assert!(payload.len() <= mqtypes::serial::MAX_PAYLOAD_TO_MOTE);
        prop_assert_eq!(HostFrame::parse(&payload), Ok(frame));
    }
}

fn host_frame() -> impl Strategy<Value = HostFrame> {
    let action = select(&[RootAction::Yes, RootAction::No, RootAction::Toggle]);
    prop_oneof![
        (action, any::<[u8; 8]>(), any::<u8>(), any::<[u8; 16]>())
            .prop_map(|(action, prefix, key_index, key)| HostFrame::SetRoot(SetRoot { action, prefix, key_index, key })),
        (any::<[u8; 8]>(), vec(any::<u8>(), 0..=118)).prop_map(|(next_hop, lowpan)| HostFrame::Data { next_hop: Eui64(next_hop), lowpan }),
        vec(any::<u8>(), 0..=196).prop_map(HostFrame::Echo),
        Just(HostFrame::Reset),
    ]
}
