//! Ports behind TCP, as IoT-LAB has them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use bus::clock;
use framing::{flow, hdlc};
use mqtypes::ids::{Generation, PortName};
use mqtypes::serial::{PortState, WriteEnd};
use serial_bridge::gate::LOST_XON;

use crate::soon;
use crate::stage::Stage;

/// A node's end of its port.
fn node(host: &str, test: &str) -> (TcpListener, Stage, PortName) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let name = format!("tcp://{host}:{}", listener.local_addr().expect("bound").port());
    let stage = Stage::start_with(test, |_| vec![name.clone()]);
    (listener, stage, PortName(name))
}

fn hear(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut heard = vec![0; len];
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    stream.read_exact(&mut heard).expect("heard");
    heard
}

#[test]
fn a_node_is_a_port_like_any_other() {
    let (listener, mut stage, port) = node("127.0.0.1", "tcp-node");
    let (mut stream, _) = listener.accept().expect("connected");
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!((up.baud, up.generation), (0, Generation(1)));
    let line = flow::escape(&hdlc::encode(b"S\x11\x13"));
    stream.write_all(&[&line[..4], &[flow::XOFF, flow::XON], &line[4..]].concat()).expect("written");
    assert_eq!(stage.wait_for_frames(1), [b"S\x11\x13"]);
    stage.write(1, &port, soon(), b"Q");
    assert_eq!(hear(&mut stream, 5), hdlc::encode(b"Q"));
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
}

#[test]
fn a_node_that_closes_is_lost_at_once_and_connected_again() {
    let (listener, mut stage, port) = node("localhost", "tcp-close");
    drop(listener.accept().expect("connected"));
    stage.wait_for_state(&port, |state| matches!(state, PortState::Down { cause } if cause.contains("closed the connection")));
    let (mut stream, _) = listener.accept().expect("connected again");
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!(up.generation, Generation(2));
    stream.write_all(&hdlc::encode(b"S")).expect("written");
    stage.wait_for_frames(1);
}

#[test]
fn a_node_that_is_not_there_is_named_and_found_when_it_is() {
    let (listener, mut stage, port) = node("127.0.0.1", "tcp-absent");
    let address = listener.local_addr().expect("bound");
    drop(listener.accept().expect("connected"));
    drop(listener);
    stage.wait_for_state(
        &port,
        |state| matches!(state, PortState::Down { cause } if cause.contains(&format!("nobody listens at {address}"))),
    );
    let listener = TcpListener::bind(address).expect("the same port");
    let _stream = listener.accept().expect("connected");
    stage.wait_for_state(&port, |state| *state == PortState::Up);
}

#[test]
fn a_node_that_hangs_up_at_once_each_time_is_a_fault() {
    let (listener, mut stage, port) = node("127.0.0.1", "tcp-hang-up");
    std::thread::spawn(move || while listener.accept().is_ok() {});
    let report = stage.wait_for_state(&port, |state| matches!(state, PortState::Fault { .. }));
    assert!(matches!(&report.state, PortState::Fault { cause } if cause.contains("keeps failing")), "{report:?}");
    assert!(report.counters.openings <= 6, "{report:?}");
}

#[test]
fn a_name_that_nobody_knows_is_told_and_stalls_nothing() {
    let mut stage = Stage::start_with("tcp-name", |_| vec!["tcp://no-such-node.invalid:20000".to_owned()]);
    let port = PortName("tcp://no-such-node.invalid:20000".to_owned());
    stage.wait_for_state(
        &port,
        |state| matches!(state, PortState::Down { cause } if cause.contains("`no-such-node.invalid` cannot be looked up")),
    );
}

#[test]
fn a_node_that_wants_silence_gets_it_for_a_bounded_time() {
    let (listener, mut stage, port) = node("127.0.0.1", "tcp-xoff");
    let (mut stream, _) = listener.accept().expect("connected");
    stage.wait_for_state(&port, |state| *state == PortState::Up);
    stream.write_all(&[&[flow::XOFF][..], &hdlc::encode(b"S")].concat()).expect("written");
    stage.wait_for_frames(1);
    let asked = clock::now();
    stage.write(1, &port, soon(), b"Q");
    assert_eq!(hear(&mut stream, 5), hdlc::encode(b"Q"));
    assert!(clock::now().since(asked) >= LOST_XON / 2);
}
