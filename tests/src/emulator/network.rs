//! A mesh of synthetic motes, each behind a port of its own. They stand on a square grid and hear whom they stand next to.
//!
//! A mote is switched on when its port is first opened, so that its host misses nothing; from then on it lives whether
//! anybody reads or not, as one with a battery does, and what nobody reads is lost.

use std::collections::VecDeque;

use mqtypes::ids::Eui64;
use mqtypes::mono::Mono;

use super::mote::{Air, FlowControl, Mote};
use super::script::{Event, Reader, Script};

/// Signal strength of a neighbour one step away along the grid, dBm.
const STRAIGHT: i8 = -52;

/// The same across a corner.
const DIAGONAL: i8 = -61;

/// A mesh of synthetic motes.
#[derive(Debug)]
pub struct Network {
    places: Vec<Place>,
    /// How many motes stand in a row of the grid.
    side: usize,
    seed: u64,
    flow: FlowControl,
    events: VecDeque<Event>,
}

/// Where a mote stands, and behind which port.
#[derive(Debug)]
enum Place {
    /// The port was never opened.
    Off,
    /// The mote lives.
    On { mote: Box<Mote>, reader: Reader },
}

impl Network {
    /// So many motes, all of them switched off.
    pub fn new(motes: u16, seed: u64, flow: FlowControl) -> Self {
        let motes = usize::from(motes);
        let side = (1..=motes).find(|side| side * side >= motes).unwrap_or(1);
        Self { places: (0..motes).map(|_| Place::Off).collect(), side, seed, flow, events: VecDeque::new() }
    }

    /// The mote behind a port, once it is on.
    pub fn mote(&self, port: usize) -> Option<&Mote> {
        match &self.places[port] {
            Place::Off => None,
            Place::On { mote, .. } => Some(mote),
        }
    }

    fn deliver(&mut self, now: Mono, from: usize, air: &Air) {
        for to in 0..self.places.len() {
            let Some(rssi) = self.rssi(from, to) else { continue };
            if let Place::On { mote, .. } = &mut self.places[to] {
                mote.handle_air(now, rssi, air);
            }
        }
    }

    /// How strongly `to` hears `from`, if at all.
    fn rssi(&self, from: usize, to: usize) -> Option<i8> {
        let steps = |along: fn(usize, usize) -> usize| along(from, self.side).abs_diff(along(to, self.side));
        match (steps(|place, side| place % side), steps(|place, side| place / side)) {
            (0, 1) | (1, 0) => Some(STRAIGHT),
            (1, 1) => Some(DIAGONAL),
            (_far, _or_itself) => None,
        }
    }
}

impl Script for Network {
    fn ports(&self) -> Vec<String> {
        (1..=self.places.len()).map(|number| format!("mote{number}")).collect()
    }

    fn handle_reader(&mut self, now: Mono, port: usize, came_or_left: Reader) {
        match &mut self.places[port] {
            Place::On { reader, .. } => *reader = came_or_left,
            Place::Off => {
                let mote = Box::new(Mote::boot(now, eui64(port), self.flow, self.seed));
                self.places[port] = Place::On { mote, reader: came_or_left };
            }
        }
    }

    fn handle_bytes(&mut self, now: Mono, port: usize, bytes: &[u8]) {
        if let Place::On { mote, .. } = &mut self.places[port] {
            mote.handle_bytes(now, bytes);
            while let Some(input) = mote.poll_input() {
                self.events.push_back(Event { at: now, port, input });
            }
        }
    }

    fn handle_timeout(&mut self, now: Mono) {
        let mut air = Vec::new();
        for (port, place) in self.places.iter_mut().enumerate() {
            if let Place::On { mote, reader } = place {
                mote.handle_timeout(now);
                while let Some(frame) = mote.poll_air() {
                    air.push((port, frame));
                }
                if *reader == Reader::Left {
                    mote.poll_output();
                }
            }
        }
        for (from, frame) in air {
            self.deliver(now, from, &frame);
        }
    }

    fn poll_output(&mut self, _now: Mono, port: usize) -> Option<Vec<u8>> {
        match &mut self.places[port] {
            Place::Off => None,
            Place::On { mote, .. } => mote.poll_output(),
        }
    }

    fn poll_timeout(&self, now: Mono) -> Option<Mono> {
        let motes = (0..self.places.len()).filter_map(|port| self.mote(port));
        motes.map(Mote::poll_timeout).min().map(|at| at.max(now))
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_end(&mut self) -> Option<serde_json::Value> {
        None
    }
}

/// `141592cc0000HHLL`, HHLL being the number of the port from 1.
fn eui64(port: usize) -> Eui64 {
    Eui64((0x1415_92cc_0000_0000 + port as u64 + 1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use data_encoding::HEXLOWER;
    use eventbus::frame::{Frame, HostFrame, RootAction, SetRoot};
    use mqtypes::status::Element;
    use serial_bridge::flow::{Heard, Unescape};
    use serial_bridge::hdlc::{Decoder, encode};

    const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

    /// A mesh, and a host that listens on every port.
    struct Scene {
        network: Network,
        now: Mono,
        lines: Vec<(Unescape, Decoder)>,
        heard: Vec<(usize, Frame)>,
    }

    impl Scene {
        fn new(motes: u16, seed: u64) -> Self {
            let mut network = Network::new(motes, seed, FlowControl::EverySlot);
            let now = Mono(0);
            (0..usize::from(motes)).for_each(|port| network.handle_reader(now, port, Reader::Came));
            Self { network, now, lines: (0..motes).map(|_| (Unescape::default(), Decoder::new())).collect(), heard: Vec::new() }
        }

        fn run(&mut self, time: Duration) {
            let end = self.now.after(time);
            while let Some(at) = self.network.poll_timeout(self.now).filter(|at| *at <= end) {
                self.now = at;
                self.network.handle_timeout(at);
                for port in 0..self.lines.len() {
                    self.listen(port);
                }
            }
            self.now = end;
        }

        fn listen(&mut self, port: usize) {
            while let Some(bytes) = self.network.poll_output(self.now, port) {
                let (unescape, decoder) = &mut self.lines[port];
                for byte in bytes {
                    if let Some(Heard::Data(byte)) = unescape.push(byte)
                        && let Some(ended) = decoder.push(byte)
                    {
                        let payload = ended.expect("a mote's frames are right");
                        self.heard.push((port, Frame::parse(&payload).expect("a mote's frames can be read")));
                    }
                }
            }
        }

        fn set_root(&mut self, port: usize, action: RootAction) {
            let command = HostFrame::SetRoot(SetRoot { action, prefix: PREFIX, key_index: 1, key: [7; 16] });
            self.network.handle_bytes(self.now, port, &encode(&command.emit().expect("short")));
        }

        /// What a mote said last, of those things that `find` finds.
        fn last<T>(&self, port: usize, find: impl Fn(&Element) -> Option<T>) -> T {
            let of_port = self.heard.iter().rev().filter(|(from, _)| *from == port);
            let found = of_port.filter_map(|(_, frame)| match frame {
                Frame::Status(status) => find(&status.element),
                _other => None,
            });
            found.take(1).next().expect("it was told")
        }

        fn is_sync(&self, port: usize) -> bool {
            self.last(port, |element| if let Element::IsSync(each) = element { Some(each.is_sync) } else { None })
        }

        fn rank(&self, port: usize) -> u16 {
            self.last(port, |element| if let Element::MyDagRank(each) = element { Some(each.rank) } else { None })
        }
    }

    #[test]
    fn the_others_synchronise_and_join_once_one_is_root() {
        let mut scene = Scene::new(5, 1);
        scene.run(Duration::from_secs(10));
        assert!((0..5).all(|port| !scene.is_sync(port)));
        scene.set_root(0, RootAction::Yes);
        scene.run(Duration::from_secs(90));
        for port in 0..5 {
            assert!(scene.is_sync(port), "mote {}", port + 1);
            let id = scene.last(port, |element| if let Element::IdManager(id) = element { Some(*id) } else { None });
            assert_eq!((id.is_dag_root, id.prefix), (port == 0, PREFIX));
        }
        assert_eq!(scene.rank(0), 256);
        let near = scene.rank(1);
        assert!((512..0x0b00).contains(&near), "{near}");
        assert!(scene.rank(2) > near, "mote 3 stands two hops away");
    }

    #[test]
    fn tables_fill_with_neighbours_and_cells_and_counters_advance() {
        let mut scene = Scene::new(5, 2);
        scene.set_root(0, RootAction::Toggle);
        scene.run(Duration::from_secs(100));
        let rows = |scene: &Scene| -> Vec<_> {
            let told = scene.heard.iter().filter_map(|(port, frame)| match frame {
                Frame::Status(status) if *port == 1 => Some(&status.element),
                _other => None,
            });
            told.filter_map(|element| if let Element::NeighborsRow(row) = element { Some(*row) } else { None })
                .filter(|row| row.used)
                .collect()
        };
        let told = rows(&scene);
        let parent = told.iter().rfind(|row| row.parent_preference == 1).expect("mote 2 has a parent");
        assert_eq!((parent.addr.eui64(), parent.dag_rank, parent.stable_neighbor), (Some(eui64(0)), 256, true));
        let earlier = told.iter().find(|row| row.row == parent.row).expect("told before");
        assert!(parent.num_rx > earlier.num_rx && parent.num_tx > earlier.num_tx && parent.asn > earlier.asn);
        assert!((-70..=-40).contains(&parent.rssi) && parent.rssi != 0);
        let cells: Vec<_> = (0..21).map(|row| schedule_row(&scene, 1, row)).collect();
        assert_eq!([cells[0], cells[1], cells[2]], [2, 3, 1], "its own cell, the minimal cell, one to its parent");
        assert!(schedule_row(&scene, 0, 2) == 2, "the root receives");
    }

    fn schedule_row(scene: &Scene, port: usize, wanted: u8) -> u8 {
        scene
            .last(port, |element| if let Element::ScheduleRow(row) = element { (row.row == wanted).then_some(row.cell_type) } else { None })
    }

    #[test]
    fn without_its_root_a_mesh_falls_apart_and_forms_again_around_another() {
        let mut scene = Scene::new(5, 3);
        scene.set_root(0, RootAction::Yes);
        scene.run(Duration::from_mins(1));
        scene.set_root(0, RootAction::No);
        scene.run(Duration::from_secs(20));
        assert!((0..5).all(|port| !scene.is_sync(port)));
        scene.set_root(4, RootAction::Yes);
        scene.run(Duration::from_mins(1));
        assert!((0..5).all(|port| scene.is_sync(port)));
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
        let play = |seed| {
            let mut scene = Scene::new(3, seed);
            scene.set_root(0, RootAction::Yes);
            scene.run(Duration::from_secs(40));
            scene.heard.iter().map(|(port, frame)| (*port, HEXLOWER.encode(&frame.emit()))).collect::<Vec<_>>()
        };
        assert_eq!(play(7), play(7));
        assert_ne!(play(7), play(8));
    }

    #[test]
    fn a_mote_is_off_until_its_port_is_opened_and_lives_on_unheard() {
        let mut network = Network::new(2, 1, FlowControl::EverySlot);
        assert_eq!((network.poll_timeout(Mono(0)), network.poll_output(Mono(0), 0)), (None, None));
        network.handle_reader(Mono(0), 0, Reader::Came);
        assert!(network.poll_output(Mono(0), 0).is_some_and(|bytes| bytes.starts_with(&[0x7e, 0x55])), "booted");
        network.handle_reader(Mono(0), 0, Reader::Left);
        while let Some(at) = network.poll_timeout(Mono(0)).filter(|at| *at < Mono(5_000_000)) {
            network.handle_timeout(at);
        }
        assert!(network.mote(1).is_none());
        let asn = network.mote(0).expect("on").poll_timeout();
        assert!(asn >= Mono(5_000_000));
        assert_eq!(network.poll_output(Mono(5_000_000), 0), None, "nothing was kept");
    }
}
