//! What is missing between two pieces of one line, whoever lost it: each piece says how many bytes went before it.

use std::collections::BTreeMap;

use mqtypes::ids::PortName;
use mqtypes::serial::{Direction, LineBytes};

/// What is missing before a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// So many bytes.
    Bytes(u64),
    /// Nobody knows: `serial-bridge` has restarted, and counts anew.
    Unknown,
}

/// Where each line stands.
#[derive(Debug, Default)]
pub struct Gaps {
    next: BTreeMap<(PortName, Direction), u64>,
}

impl Gaps {
    /// A piece has come. Before the first one of a line nothing is missing: the recording began there.
    pub fn note(&mut self, piece: &LineBytes) -> Option<Gap> {
        let next = piece.offset.saturating_add(piece.bytes.len() as u64);
        let expected = self.next.insert((piece.port.clone(), piece.direction), next)?;
        match piece.offset.checked_sub(expected) {
            Some(0) => None,
            Some(missing) => Some(Gap::Bytes(missing)),
            None => Some(Gap::Unknown),
        }
    }

    /// How many ports have been heard of.
    pub fn ports(&self) -> usize {
        let mut ports: Vec<_> = self.next.keys().map(|(port, _)| port).collect();
        ports.dedup();
        ports.len()
    }

    /// Has this port been heard of?
    pub fn has(&self, port: &PortName) -> bool {
        [Direction::Rx, Direction::Tx].iter().any(|direction| self.next.contains_key(&(port.clone(), *direction)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::Generation;
    use mqtypes::mono::Mono;

    fn note(gaps: &mut Gaps, port: &str, direction: Direction, offset: u64, length: usize) -> Option<Gap> {
        let (port, generation) = (PortName(port.to_owned()), Generation(1));
        gaps.note(&LineBytes { port, generation, direction, at: Mono(0), offset, bytes: vec![0; length] })
    }

    #[test]
    fn each_line_is_followed_by_itself() {
        let mut gaps = Gaps::default();
        assert_eq!(note(&mut gaps, "a", Direction::Rx, 1000, 10), None);
        assert_eq!(note(&mut gaps, "a", Direction::Tx, 7, 1), None);
        assert_eq!(note(&mut gaps, "b", Direction::Rx, 0, 5), None);
        assert_eq!(note(&mut gaps, "a", Direction::Rx, 1010, 10), None);
        assert_eq!(note(&mut gaps, "a", Direction::Rx, 1025, 10), Some(Gap::Bytes(5)));
        assert_eq!(note(&mut gaps, "a", Direction::Tx, 8, 1), None);
        assert_eq!((gaps.ports(), gaps.has(&PortName("b".to_owned())), gaps.has(&PortName("c".to_owned()))), (2, true, false));
    }

    #[test]
    fn a_count_that_goes_back_is_a_restart_and_goes_on_from_there() {
        let mut gaps = Gaps::default();
        note(&mut gaps, "a", Direction::Rx, 1000, 10);
        assert_eq!(note(&mut gaps, "a", Direction::Rx, 0, 10), Some(Gap::Unknown));
        assert_eq!(note(&mut gaps, "a", Direction::Rx, 10, 10), None);
        assert_eq!(note(&mut gaps, "a", Direction::Rx, u64::MAX, 10), Some(Gap::Bytes(u64::MAX - 20)));
    }
}
