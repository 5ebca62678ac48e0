//! Where motes stand, who hears whom and how well, and how they move.
//!
//! Motes stand on a grid and hear whom they stand next to. Each wanders a little around its place, so that signals come and
//! go; a person may move one elsewhere. All in whole numbers: the same on every machine.

use super::super::random::Random;

/// A step of the grid in our units of length.
pub(super) const STEP: i32 = 100;

/// Signal strength one step away, dBm.
const STRAIGHT: i32 = -52;

/// How much it falls with each square step of distance: to -61 dBm across a corner, and steeply behind it.
const NEAR_FALL: i32 = 9;
const FAR_FALL: i32 = 30;

/// Two square steps: across a corner.
const CORNER: i32 = 2 * STEP * STEP;

/// Nobody hears less, dBm.
const HEARS: i32 = -90;

/// How many strolls it takes at least to go from a mote's place to where it may go.
const STROLLS: i32 = 6;

/// A place on the grid, or anywhere, in hundredths of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

/// Where all motes stand.
#[derive(Debug)]
pub(super) struct Terrain {
    homes: Vec<Point>,
    /// How far each is from home.
    strayed: Vec<Point>,
    /// How far they may go in each direction.
    wander: i32,
    random: Random,
}

impl Terrain {
    /// The cabled motes in a square, and those of the mesh in rows behind them; on its own, a mote with a cable has a
    /// mesh that is longer than broad, so that there are hops in it.
    pub fn new(cabled: u16, mesh: u16, wander: u8, seed: u64) -> Self {
        let (cabled, mesh) = (i32::from(cabled), i32::from(mesh));
        let square = (1..=cabled).find(|side| side * side >= cabled).unwrap_or(1);
        let side = square.max((mesh / 2).isqrt());
        let homes: Vec<Point> = (0..cabled + mesh).map(|index| Point { x: index % side * STEP, y: index / side * STEP }).collect();
        let strayed = vec![Point { x: 0, y: 0 }; homes.len()];
        Self { homes, strayed, wander: wander.into(), random: Random::new(seed ^ 0x7e44_a109) }
    }

    /// How strongly `to` hears `from`, if at all, dBm.
    pub fn rssi(&self, from: usize, to: usize) -> Option<i8> {
        if from == to {
            return None;
        }
        let (from, to) = (self.point(from), self.point(to));
        let square = |a: i32, b: i32| a.abs_diff(b).min(20 * STEP.unsigned_abs()).pow(2).cast_signed();
        let distance = square(from.x, to.x) + square(from.y, to.y);
        let near = (distance.min(CORNER) - STEP * STEP) * NEAR_FALL / (STEP * STEP);
        let far = (distance - CORNER).max(0) * FAR_FALL / (STEP * STEP);
        let rssi = STRAIGHT - near - far;
        i8::try_from(rssi).ok().filter(|rssi| i32::from(*rssi) >= HEARS)
    }

    /// All of them move a little.
    pub fn stroll(&mut self) {
        let pace = (self.wander / STROLLS).max(1);
        for strayed in &mut self.strayed {
            let mut step = |at: i32| {
                let step = self.random.between(0, 2 * u64::from(pace.unsigned_abs())) as i32 - pace;
                (at + step).clamp(-self.wander, self.wander)
            };
            *strayed = Point { x: step(strayed.x), y: step(strayed.y) };
        }
    }

    /// From now on this one is at home there.
    pub fn move_to(&mut self, mote: usize, home: Point) {
        self.homes[mote] = home;
        self.strayed[mote] = Point { x: 0, y: 0 };
    }

    fn point(&self, mote: usize) -> Point {
        let (home, strayed) = (self.homes[mote], self.strayed[mote]);
        Point { x: home.x + strayed.x, y: home.y + strayed.y }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_on_the_grid_hear_each_other_and_nobody_else() {
        let terrain = Terrain::new(9, 0, 0, 1);
        assert_eq!([1, 3, 4, 2, 8].map(|to| terrain.rssi(0, to)), [Some(-52), Some(-52), Some(-61), None, None]);
        assert_eq!(terrain.rssi(0, 0), None);
    }

    #[test]
    fn who_wanders_a_little_keeps_every_neighbour_and_signals_change() {
        let (mut terrain, still) = (Terrain::new(9, 0, 5, 1), Terrain::new(9, 0, 0, 1));
        let mut heard = std::collections::BTreeSet::new();
        for _ in 0..2_000 {
            terrain.stroll();
            heard.extend(terrain.rssi(0, 4));
            for (from, to) in (0..9).flat_map(|from| (0..9).map(move |to| (from, to))) {
                assert_eq!(terrain.rssi(from, to).is_some(), still.rssi(from, to).is_some(), "{from} {to}");
            }
        }
        assert!(heard.len() > 4 && heard.first() >= Some(&-79), "{heard:?}");
    }

    #[test]
    fn who_wanders_far_loses_neighbours_and_finds_others() {
        let mut terrain = Terrain::new(9, 0, 50, 1);
        let (mut found, mut lost) = (false, false);
        for _ in 0..2_000 {
            terrain.stroll();
            found |= terrain.rssi(0, 2).is_some();
            lost |= terrain.rssi(0, 4).is_none();
        }
        assert!(found && lost);
    }

    #[test]
    fn a_mesh_behind_one_mote_is_a_chain_and_anybody_can_be_moved_anywhere() {
        let mut terrain = Terrain::new(1, 3, 0, 1);
        assert_eq!([(0, 1), (1, 2), (0, 2)].map(|(from, to)| terrain.rssi(from, to).is_some()), [true, true, false]);
        terrain.move_to(3, Point { x: STEP, y: 0 });
        assert_eq!([terrain.rssi(0, 3), terrain.rssi(2, 3)], [Some(-52), None]);
        terrain.move_to(3, Point { x: i32::MAX / 2, y: i32::MIN / 2 });
        assert_eq!(terrain.rssi(0, 3), None);
    }
}
