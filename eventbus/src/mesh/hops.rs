//! How far motes are from their root, over first parents. A chain may end nowhere, or run in a circle: DAOs are heard
//! one by one, and not in step.

use std::collections::BTreeMap;

use mqtypes::ids::Eui64;

use super::mote::MeshMote;

/// No packet goes further: motes send with a hop limit of 64.
const MOST_HOPS: u8 = 64;

/// Every mote's hops to the root that it was heard through; none when its chain of parents does not lead there.
pub(super) fn count(motes: &BTreeMap<Eui64, MeshMote>) -> Vec<(Eui64, Option<u8>)> {
    motes.iter().map(|(eui, mote)| (*eui, from(motes, mote))).collect()
}

fn from(motes: &BTreeMap<Eui64, MeshMote>, mote: &MeshMote) -> Option<u8> {
    let mut at = mote;
    for hops in 1..=MOST_HOPS {
        let parent = at.parents.first()?;
        if *parent == mote.root {
            return Some(hops);
        }
        at = motes.get(parent)?;
    }
    None
}
