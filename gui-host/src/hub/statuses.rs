//! The status elements of all motes of one router, merged.
//!
//! A mote is kept under its EUI-64, or under `port:PORT` until it has told it. Bounded in motes,
//! elements and bytes: what does not fit is a fault that is counted, what is there stays.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::element::{Element, Extent, Told};
use crate::link::{
    message::{Fault, Status},
    pages::MAX_MOTES,
};

/// Most elements of a mote; the firmware has 13.
const MAX_ELEMENTS: usize = 32;

/// Longest name of an element, bytes.
const MAX_NAME: usize = 64;

/// Most bytes for all elements of a router: 1,000 motes at 25 kB with their tables.
const MAX_BYTES: usize = 32 << 20;

/// The merged elements of one mote.
#[derive(Debug)]
struct MoteStatus {
    mote: Option<String>,
    port: Option<String>,
    elements: BTreeMap<String, Element>,
}

/// Elements of one mote as a viewer is told them.
#[derive(Serialize)]
pub struct ToldStatus<'a> {
    mote: Option<&'a str>,
    port: Option<&'a str>,
    elements: BTreeMap<&'a str, Told<'a>>,
}

/// What an inventory says of who a mote is.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Its EUI-64, once it has told it.
    pub mote: Option<String>,
    /// Its serial port, if it has one.
    pub port: Option<String>,
}

/// All motes of a router.
#[derive(Debug, Default)]
pub struct Statuses {
    motes: BTreeMap<String, MoteStatus>,
    bytes: usize,
}

impl Statuses {
    /// All motes by their keys, for a snapshot. What is known of a port alone is told whole, since its rows will be under
    /// another key when its mote has told its address.
    pub fn told(&self, extent: Extent) -> BTreeMap<&str, ToldStatus<'_>> {
        let told = |status: &MoteStatus| if status.mote.is_some() { extent } else { Extent::Whole };
        self.motes.iter().map(|(key, status)| (key.as_str(), status.told(told(status), |_| true))).collect()
    }

    /// All tables of a mote, with their rows. None if there are none.
    pub fn tables(&self, mote: &str) -> Option<ToldStatus<'_>> {
        let told = self.motes.get(mote)?.told(Extent::Whole, Element::is_table);
        (!told.elements.is_empty()).then_some(told)
    }

    /// The motes that have told their address.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.motes.values().filter_map(|status| status.mote.as_deref())
    }

    /// Bytes of text of all elements.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Merges the changed elements of one mote; the first fault is given back, the rest is merged.
    pub fn handle_status(&mut self, status: &Status<'_>) -> Result<(), Fault> {
        let port_key = status.port.as_ref().map(|port| format!("port:{port}"));
        let key = match (&status.mote, &port_key) {
            (Some(mote), Some(port)) => {
                self.adopt(port, mote);
                mote.to_string()
            }
            (Some(mote), None) => mote.to_string(),
            (None, Some(port)) => port.clone(),
            (None, None) => return Ok(()),
        };
        if !self.motes.contains_key(&key) && self.motes.len() >= MAX_MOTES {
            return Err(Fault::TooMuch { what: "the number of motes with status", max: MAX_MOTES });
        }
        let owned = |text: &Cow<'_, str>| text.clone().into_owned();
        let mote = self.motes.entry(key).or_insert_with(|| MoteStatus {
            mote: status.mote.as_ref().map(owned),
            port: None,
            elements: BTreeMap::new(),
        });
        mote.port = status.port.as_ref().map(owned);
        let mut result = Ok(());
        for (name, update) in &status.elements {
            let merged = mote.merge(name, update, &mut self.bytes);
            result = result.and(merged);
        }
        result
    }

    /// What was heard from a port before its mote had told its address belongs to that mote.
    fn adopt(&mut self, port_key: &str, mote: &str) {
        let Some(early) = self.motes.remove(port_key) else { return };
        if let Some(known) = self.motes.get_mut(mote) {
            for (name, element) in early.elements {
                let bytes = element.bytes();
                if known.elements.contains_key(&name) || known.elements.len() >= MAX_ELEMENTS {
                    self.bytes -= bytes;
                } else {
                    known.elements.insert(name, element);
                }
            }
        } else {
            let status = MoteStatus { mote: Some(mote.to_owned()), ..early };
            self.motes.insert(mote.to_owned(), status);
        }
    }

    /// Takes the full set of motes: those that it does not name are forgotten. A mote that has not
    /// told its address is named by its port.
    pub fn handle_inventory(&mut self, named: &[Named]) {
        for Named { mote, port } in named {
            if let (Some(mote), Some(port)) = (mote, port) {
                self.adopt(&format!("port:{port}"), mote);
            }
        }
        let motes: BTreeSet<&str> = named.iter().filter_map(|n| n.mote.as_deref()).collect();
        let nameless = named.iter().filter(|n| n.mote.is_none());
        let ports: BTreeSet<&str> = nameless.filter_map(|n| n.port.as_deref()).collect();
        self.motes.retain(|_, status| {
            status.mote.as_deref().is_some_and(|mote| motes.contains(mote))
                || status.port.as_deref().is_some_and(|port| ports.contains(port))
        });
        let all = self.motes.values().flat_map(|status| status.elements.values());
        self.bytes = all.map(Element::bytes).sum();
    }
}

impl MoteStatus {
    fn told(&self, extent: Extent, is_wanted: impl Fn(&Element) -> bool) -> ToldStatus<'_> {
        let wanted = self.elements.iter().filter(|(_, element)| is_wanted(element));
        let elements = wanted.map(|(name, element)| (name.as_str(), element.told(extent))).collect();
        ToldStatus { mote: self.mote.as_deref(), port: self.port.as_deref(), elements }
    }

    fn merge(&mut self, name: &str, update: &RawValue, total: &mut usize) -> Result<(), Fault> {
        let room = MAX_BYTES.saturating_sub(*total);
        if update.get().len() > room {
            return Err(Fault::TooMuch { what: "all status in bytes", max: MAX_BYTES });
        }
        if let Some(element) = self.elements.get_mut(name) {
            let before = element.bytes();
            element.merge(update)?;
            *total = *total - before + element.bytes();
        } else {
            if self.elements.len() >= MAX_ELEMENTS || name.len() > MAX_NAME {
                return Err(Fault::TooMuch { what: "the elements of a mote", max: MAX_ELEMENTS });
            }
            let element = Element::new(update)?;
            *total += element.bytes();
            self.elements.insert(name.to_owned(), element);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::message::{Message, parse};

    const MOTE: &str = "141592cc00000001";

    fn told(statuses: &mut Statuses, target: &str, elements: &str) -> Result<(), Fault> {
        let text = format!(r#"{{"type":"mote-status",{target},"elements":{elements}}}"#);
        let Message::Status(status) = parse(&text)?.message else { panic!("no status") };
        statuses.handle_status(&status)
    }

    fn check(statuses: &Statuses, expect: &str) {
        assert_eq!(serde_json::to_string(&statuses.told(Extent::Whole)).unwrap(), expect);
        let all = statuses.motes.values().flat_map(|mote| mote.elements.values());
        assert_eq!(statuses.bytes, all.map(Element::bytes).sum::<usize>());
    }

    #[test]
    fn what_a_port_said_first_is_adopted_by_its_mote() {
        let mut statuses = Statuses::default();
        told(&mut statuses, r#""port":"a""#, r#"{"Asn":{"t":1},"IsSync":{"t":1}}"#).unwrap();
        check(&statuses, r#"{"port:a":{"mote":null,"port":"a","elements":{"Asn":{"t":1},"IsSync":{"t":1}}}}"#);
        let target = format!(r#""mote":"{MOTE}","port":"a""#);
        told(&mut statuses, &target, r#"{"Asn":{"t":2}}"#).unwrap();
        check(&statuses, &format!(r#"{{"{MOTE}":{{"mote":"{MOTE}","port":"a","elements":{{"Asn":{{"t":2}},"IsSync":{{"t":1}}}}}}}}"#));
        told(&mut statuses, r#""port":"b""#, r#"{"Asn":{"t":9},"Joined":{"t":9}}"#).unwrap();
        let target = format!(r#""mote":"{MOTE}","port":"b""#);
        told(&mut statuses, &target, "{}").unwrap();
        check(
            &statuses,
            &format!(r#"{{"{MOTE}":{{"mote":"{MOTE}","port":"b","elements":{{"Asn":{{"t":2}},"IsSync":{{"t":1}},"Joined":{{"t":9}}}}}}}}"#),
        );
    }

    #[test]
    fn motes_that_the_inventory_does_not_name_are_forgotten() {
        let mut statuses = Statuses::default();
        for port in ["a", "b", "c"] {
            let target = format!(r#""port":"{port}""#);
            told(&mut statuses, &target, r#"{"Asn":{"t":1}}"#).unwrap();
        }
        let gone = format!(r#""mote":"{}","port":"d""#, MOTE.replace('1', "2"));
        told(&mut statuses, &gone, r#"{"Asn":{"t":1}}"#).unwrap();
        let named = |mote: Option<&str>, port: Option<&str>| Named { mote: mote.map(ToOwned::to_owned), port: port.map(ToOwned::to_owned) };
        statuses.handle_inventory(&[named(None, Some("a")), named(Some(MOTE), Some("b")), named(Some("00124b0000000009"), Some("d"))]);
        assert_eq!(statuses.motes.keys().collect::<Vec<_>>(), [MOTE, "port:a"]);
        statuses.handle_inventory(&[]);
        check(&statuses, "{}");
    }

    #[test]
    fn what_is_known_of_a_port_alone_is_told_with_its_rows() {
        let mut statuses = Statuses::default();
        let table = r#"{"Queue":{"t":1,"rows":{"0":{}}}}"#;
        told(&mut statuses, r#""port":"a""#, table).unwrap();
        told(&mut statuses, &format!(r#""mote":"{MOTE}""#), table).unwrap();
        let later = serde_json::to_value(statuses.told(Extent::WithoutRows)).unwrap();
        assert_eq!(later["port:a"]["elements"]["Queue"], serde_json::json!({"t": 1, "rows": {"0": {}}}));
        assert_eq!(later[MOTE]["elements"]["Queue"], serde_json::json!({"t": 1}));
        assert_eq!(statuses.named().collect::<Vec<_>>(), [MOTE]);
    }

    #[test]
    fn one_broken_element_does_not_cost_the_others() {
        let mut statuses = Statuses::default();
        let fault = told(&mut statuses, r#""port":"a""#, r#"{"A":5,"B":{"t":1}}"#).unwrap_err();
        assert_eq!(fault.code(), "bad-field");
        check(&statuses, r#"{"port:a":{"mote":null,"port":"a","elements":{"B":{"t":1}}}}"#);
    }

    #[test]
    fn elements_are_bounded_in_number() {
        let mut statuses = Statuses::default();
        for number in 0..MAX_ELEMENTS {
            told(&mut statuses, r#""port":"a""#, &format!(r#"{{"E{number}":{{}}}}"#)).unwrap();
        }
        let fault = told(&mut statuses, r#""port":"a""#, r#"{"one-more":{}}"#).unwrap_err();
        assert_eq!(fault.code(), "too-much");
        told(&mut statuses, r#""port":"a""#, r#"{"E0":{"t":2}}"#).unwrap();
    }

    #[test]
    fn status_is_bounded_in_bytes() {
        let mut statuses = Statuses::default();
        let big = format!(r#"{{"x":"{}"}}"#, "y".repeat(200 * 1024));
        let mut told_all = Ok(());
        for mote in 0..=MAX_BYTES / (200 * 1024) {
            let target = format!(r#""mote":"{mote:016x}""#);
            told_all = told_all.and(told(&mut statuses, &target, &format!(r#"{{"E":{big}}}"#)));
        }
        assert_eq!(told_all.unwrap_err().code(), "too-much");
        assert!(statuses.bytes <= MAX_BYTES);
    }
}
