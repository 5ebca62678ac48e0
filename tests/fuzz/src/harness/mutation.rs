//! Changes to an input that know nothing of its meaning.

use super::chance::Chance;

/// Numbers at which readers stumble: ends of ranges, flags and escapes of the line, the marks of wide integers in the codec.
const TELLING: [u64; 28] = [
    0,
    1,
    2,
    0x0a,
    0x10,
    0x11,
    0x12,
    0x13,
    0x20,
    0x40,
    0x7d,
    0x7e,
    0x7f,
    0x80,
    0xfa,
    0xfb,
    0xfc,
    0xfd,
    0xfe,
    0xff,
    0x3ff,
    0x400,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// Changes in a row, at most.
const MOST_CHANGES: usize = 6;

/// The longest piece that is put in, taken out or moved at once, bytes.
const LONGEST_PIECE: usize = 48;

/// Changes `input` a few times; pieces come from `other`. It has at most `longest` bytes afterwards.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], longest: usize, chance: &mut Chance) {
    for _change in 0..=chance.below(MOST_CHANGES) {
        change(input, other, chance);
    }
    input.truncate(longest);
}

fn change(input: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    match chance.below(12) {
        0 => flip(input, chance),
        1 => set(input, chance),
        2 => nudge(input, chance),
        3 => overwrite_with_a_number(input, chance),
        4 => insert_any(input, chance),
        5 => insert_a_run(input, chance),
        6 => remove(input, chance),
        7 => repeat(input, chance),
        8 => input.truncate(chance.below(input.len() + 1)),
        9 => splice(input, other, chance),
        10 => insert_piece(input, other, chance),
        _swap => swap(input, chance),
    }
}

fn place(input: &[u8], chance: &mut Chance) -> Option<usize> {
    (!input.is_empty()).then(|| chance.below(input.len()))
}

/// A piece of `bytes`: where it begins and ends.
fn piece(bytes: &[u8], chance: &mut Chance) -> std::ops::Range<usize> {
    let start = chance.below(bytes.len() + 1);
    let length = chance.below(LONGEST_PIECE + 1).min(bytes.len() - start);
    start..start + length
}

fn insert(input: &mut Vec<u8>, bytes: &[u8], chance: &mut Chance) {
    let at = chance.below(input.len() + 1);
    input.splice(at..at, bytes.iter().copied());
}

fn flip(input: &mut [u8], chance: &mut Chance) {
    if let Some(at) = place(input, chance) {
        input[at] ^= 1 << chance.below(8);
    }
}

fn set(input: &mut [u8], chance: &mut Chance) {
    if let Some(at) = place(input, chance) {
        input[at] = if chance.once_in(2) { chance.byte() } else { *chance.one_of(&TELLING) as u8 };
    }
}

fn nudge(input: &mut [u8], chance: &mut Chance) {
    if let Some(at) = place(input, chance) {
        let by = 1 + chance.below(4) as u8;
        input[at] = if chance.once_in(2) { input[at].wrapping_add(by) } else { input[at].wrapping_sub(by) };
    }
}

fn overwrite_with_a_number(input: &mut [u8], chance: &mut Chance) {
    let Some(at) = place(input, chance) else { return };
    let width = (1 << chance.below(4)).min(input.len() - at);
    let mut number = chance.one_of(&TELLING).to_le_bytes();
    if chance.once_in(2) {
        number[..width].reverse();
    }
    input[at..at + width].copy_from_slice(&number[..width]);
}

fn insert_any(input: &mut Vec<u8>, chance: &mut Chance) {
    let bytes: Vec<u8> = (0..=chance.below(8)).map(|_| chance.byte()).collect();
    insert(input, &bytes, chance);
}

fn insert_a_run(input: &mut Vec<u8>, chance: &mut Chance) {
    let byte = *chance.one_of(&TELLING) as u8;
    let length = 1 << chance.below(11);
    insert(input, &vec![byte; length], chance);
}

fn remove(input: &mut Vec<u8>, chance: &mut Chance) {
    let range = piece(input, chance);
    input.drain(range);
}

fn repeat(input: &mut Vec<u8>, chance: &mut Chance) {
    let copy = input[piece(input, chance)].to_vec();
    insert(input, &copy, chance);
}

/// The beginning of one input and the end of another.
fn splice(input: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    input.truncate(chance.below(input.len() + 1));
    input.extend_from_slice(&other[chance.below(other.len() + 1)..]);
}

fn insert_piece(input: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let copy = other[piece(other, chance)].to_vec();
    insert(input, &copy, chance);
}

fn swap(input: &mut [u8], chance: &mut Chance) {
    if let (Some(one), Some(two)) = (place(input, chance), place(input, chance)) {
        input.swap(one, two);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_changes_alike_and_lengths_are_kept() {
        let changed = |seed| {
            let mut chance = Chance::new(seed);
            let mut input = b"a genuine input".to_vec();
            for _ in 0..200 {
                mutate(&mut input, b"another one", 64, &mut chance);
                assert!(input.len() <= 64);
            }
            input
        };
        assert_eq!(changed(1), changed(1));
        assert_ne!(changed(1), changed(2));
    }

    #[test]
    fn an_empty_input_can_be_changed_too() {
        let mut chance = Chance::new(1);
        let longest = (0..500).map(|_| {
            let mut input = Vec::new();
            mutate(&mut input, &[], 64, &mut chance);
            input.len()
        });
        assert!(longest.max() > Some(0));
    }
}
