//! How fast frames and their meaning are: a recording of five motes through framing and the event bus, with a subscriber
//! to everything. Prints the best of some rounds.

#[path = "../tests/decode/playback.rs"]
mod playback;

use std::time::{Duration, Instant};

const ROUNDS: usize = 10;

fn main() {
    for name in ["B", "D"] {
        let recording = playback::recording(name);
        let length = recording.last().map_or(0, |chunk| chunk.at.0 / 1_000_000);
        let mut best = Duration::MAX;
        let mut played = None;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            played = Some(playback::play(&recording));
            best = best.min(start.elapsed());
        }
        let Some(playback::Played { frames, invalid, told, .. }) = played else { return };
        let rate = frames as f64 / best.as_secs_f64();
        println!(
            "{name}: {length} s of recording in {:.3} s: {frames} frames, {invalid} invalid, {told} notifications; {rate:.0} frames/s",
            best.as_secs_f64()
        );
    }
}
