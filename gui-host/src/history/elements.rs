//! The status elements that history takes figures from, as far as it reads them.
//!
//! What is missing, of another type or out of range is no figure; nothing else comes of it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::series::Reading;
use crate::link::message::is_eui64;

/// A figure, with the time on the router's clock at which it was heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told<T> {
    /// When.
    pub t: Option<u64>,
    /// What.
    pub value: T,
}

/// What a row of the neighbour table says of the mote's preferred parent.
#[derive(Debug, Clone, PartialEq)]
pub enum Neighbor {
    /// It is the one.
    Parent(Link),
    /// It is not, or the row is not in use.
    Other,
}

/// The link to a parent.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its EUI-64.
    pub parent: String,
    /// dBm.
    pub rssi: Option<Reading>,
    /// Frames acknowledged of frames sent, unless it is impossible.
    pub prr: Option<Reading>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rows<T> {
    Keyed(BTreeMap<String, T>),
    Listed(Vec<T>),
}

/// The rank: 256 at the root, 65535 for none.
pub fn rank(element: &RawValue) -> Option<Told<Reading>> {
    #[derive(Deserialize)]
    struct MyDagRank {
        t: Option<u64>,
        #[serde(rename = "myDAGrank")]
        rank: u16,
    }
    let MyDagRank { t, rank } = parse(element)?;
    Some(Told { t, value: Reading::plain(rank.into()) })
}

/// The absolute slot number, of 40 bits.
pub fn asn(element: &RawValue) -> Option<Told<u64>> {
    #[derive(Deserialize)]
    struct Asn {
        t: Option<u64>,
        asn: u64,
    }
    let Asn { t, asn } = parse(element)?;
    (asn < 1 << 40).then_some(Told { t, value: asn })
}

/// Share of the time that the radio was on.
pub fn duty(element: &RawValue) -> Option<Told<Reading>> {
    #[derive(Deserialize)]
    struct MacStats {
        t: Option<u64>,
        #[serde(rename = "dutyCycle")]
        share: Option<f64>,
    }
    let MacStats { t, share } = parse(element)?;
    Some(Told { t, value: as_share(share?)? })
}

/// Share of the time that the radio was on, as a packet of `uinject` told it.
pub fn duty_of_source(source: &RawValue) -> Option<Told<Reading>> {
    #[derive(Deserialize)]
    struct Source {
        heard: Option<u64>,
        duty_cycle: Option<f64>,
    }
    let Source { heard, duty_cycle } = parse(source)?;
    Some(Told { t: heard, value: as_share(duty_cycle?)? })
}

/// Packets in the queue: rows that have an owner.
pub fn queue(element: &RawValue) -> Option<Told<Reading>> {
    #[derive(Deserialize)]
    struct Queue {
        t: Option<u64>,
        rows: Rows<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        owner: Code,
    }
    #[derive(Deserialize)]
    struct Code {
        code: u32,
    }
    let Queue { t, rows } = parse(element)?;
    let is_used = |row: &&Row| row.owner.code != 0;
    let used = match &rows {
        Rows::Keyed(rows) => rows.values().filter(is_used).count(),
        Rows::Listed(rows) => rows.iter().filter(is_used).count(),
    };
    Some(Told { t, value: Reading::plain(used as f64) })
}

/// Changed rows of the neighbour table, by number.
pub fn neighbors(element: &RawValue) -> Vec<(u32, Told<Neighbor>)> {
    #[derive(Deserialize)]
    struct Neighbors {
        t: Option<u64>,
        rows: Rows<Row>,
    }
    let Some(Neighbors { t, rows }) = parse(element) else { return Vec::new() };
    let told = |number: u32, row: Row| (number, Told { t: row.t.or(t), value: row.neighbor() });
    match rows {
        Rows::Keyed(rows) => rows.into_iter().filter_map(|(number, row)| Some(told(number.parse().ok()?, row))).collect(),
        Rows::Listed(rows) => rows.into_iter().filter_map(|row| Some(told(row.number?, row))).collect(),
    }
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "row")]
    number: Option<u32>,
    t: Option<u64>,
    used: Option<bool>,
    #[serde(rename = "parentPreference")]
    preference: Option<Value>,
    addr: Option<Address>,
    rssi: Option<i16>,
    #[serde(rename = "numTx")]
    sent: Option<u32>,
    #[serde(rename = "numTxACK")]
    acked: Option<u32>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl Row {
    fn neighbor(self) -> Neighbor {
        // A number in this version of the link; other hosts read either.
        let is_preferred = match self.preference {
            Some(Value::Bool(is)) => is,
            Some(Value::Number(preference)) => preference.as_u64() == Some(1),
            Some(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) | None => false,
        };
        let address = self.addr.filter(|addr| addr.kind == "64b" && is_eui64(&addr.value));
        match address {
            Some(addr) if is_preferred && self.used != Some(false) => {
                let prr = self.sent.zip(self.acked).filter(|(sent, acked)| acked <= sent);
                Neighbor::Parent(Link {
                    parent: addr.value,
                    rssi: self.rssi.map(|rssi| Reading::plain(rssi.into())),
                    prr: prr.map(|(sent, acked)| Reading { value: acked.into(), of: Some(sent.into()) }),
                })
            }
            Some(_) | None => Neighbor::Other,
        }
    }
}

/// An entry of the inventory.
#[derive(Debug, Deserialize)]
pub struct Entry<'a> {
    /// EUI-64, once the mote has told it.
    #[serde(borrow)]
    pub mote: Option<Cow<'a, str>>,
    /// How often it was seen to boot.
    pub boots: Option<u64>,
    /// When it did last, on the router's clock.
    pub booted: Option<u64>,
}

/// An entry of the DODAG.
#[derive(Debug, Deserialize)]
pub struct DagEntry<'a> {
    /// EUI-64.
    #[serde(borrow)]
    pub mote: Cow<'a, str>,
    /// The preferred one first.
    #[serde(borrow)]
    pub parents: Vec<Cow<'a, str>>,
    /// When its newest DAO came, on the router's clock.
    pub heard: Option<u64>,
}

/// A log line.
#[derive(Debug, Deserialize)]
pub struct LogLine<'a> {
    /// EUI-64 of the mote, once it has told it.
    #[serde(borrow)]
    pub mote: Option<Cow<'a, str>>,
    /// `info`, `error` …
    #[serde(borrow, default)]
    pub severity: Cow<'a, str>,
    /// The firmware component.
    #[serde(borrow)]
    pub component: Option<Component<'a>>,
    /// The message in words.
    #[serde(borrow, default)]
    pub text: Cow<'a, str>,
}

/// A firmware component.
#[derive(Debug, Deserialize)]
pub struct Component<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

fn as_share(share: f64) -> Option<Reading> {
    (0.0..=1.0).contains(&share).then_some(Reading::plain(share))
}

/// Reads what was told, if it can be read.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a RawValue) -> Option<T> {
    serde_json::from_str(text.get()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn figures_are_read_as_the_link_writes_them() {
        let plain = |value: f64| Some(Reading::plain(value));
        assert_eq!(rank(&raw(r#"{"t":5,"myDAGrank":512}"#)).unwrap(), Told { t: Some(5), value: plain(512.0).unwrap() });
        assert_eq!(asn(&raw(r#"{"t":5,"asn":7654321}"#)).unwrap().value, 7_654_321);
        assert_eq!(duty(&raw(r#"{"t":5,"numSyncPkt":3,"dutyCycle":0.03125}"#)).map(|told| told.value), plain(0.03125));
        let rows = r#"{"0":{"creator":{"code":0},"owner":{"code":0,"name":"NULL"}},"7":{"owner":{"code":10,"name":"x"}}}"#;
        assert_eq!(queue(&raw(&format!(r#"{{"t":5,"rows":{rows}}}"#))).map(|told| told.value), plain(1.0));
    }

    #[test]
    fn a_row_says_whether_it_is_the_parents() {
        let row = |fields: &str| raw(&format!(r#"{{"t":9,"rows":{{"3":{{{fields}}}}}}}"#));
        let addr = r#""addr":{"type":"64b","value":"141592cc00000002"}"#;
        let told = neighbors(&row(&format!(r#""used":true,"parentPreference":1,{addr},"rssi":-63,"numTx":20,"numTxACK":19,"t":7"#)));
        let link = Link {
            parent: "141592cc00000002".to_owned(),
            rssi: Some(Reading::plain(-63.0)),
            prr: Some(Reading { value: 19.0, of: Some(20.0) }),
        };
        assert_eq!(told, [(3, Told { t: Some(7), value: Neighbor::Parent(link) })]);
        for other in [
            format!(r#""used":false,"parentPreference":1,{addr}"#),
            format!(r#""used":true,"parentPreference":0,{addr}"#),
            r#""used":true,"parentPreference":1,"addr":{"type":"64b","value":"../../etc"}"#.to_owned(),
            r#""used":true,"parentPreference":1"#.to_owned(),
        ] {
            assert_eq!(neighbors(&row(&other)), [(3, Told { t: Some(9), value: Neighbor::Other })], "{other}");
        }
        let Neighbor::Parent(link) = &neighbors(&row(&format!(r#""parentPreference":true,{addr},"numTx":1,"numTxACK":2"#)))[0].1.value
        else {
            panic!("no parent")
        };
        assert_eq!(link.prr, None);
        let listed = raw(&format!(r#"{{"t":9,"rows":[{{"row":4,"parentPreference":1,{addr}}},{{"parentPreference":1,{addr}}}]}}"#));
        assert_eq!(neighbors(&listed).len(), 1);
    }

    #[test]
    fn what_is_out_of_range_is_no_figure() {
        for text in [r#"{"myDAGrank":65536}"#, r#"{"myDAGrank":-1}"#, r#"{"myDAGrank":"1"}"#, "{}", "5", "[]"] {
            assert_eq!(rank(&raw(text)), None, "{text}");
        }
        for text in [r#"{"dutyCycle":1.01}"#, r#"{"dutyCycle":-0.1}"#, r#"{"dutyCycle":null}"#] {
            assert_eq!(duty(&raw(text)), None, "{text}");
        }
        assert_eq!(asn(&raw(r#"{"asn":1099511627776}"#)), None);
    }

    proptest! {
        #[test]
        fn no_element_makes_it_panic(
            text in r#"\{("(t|myDAGrank|asn|dutyCycle|heard|duty_cycle|mote|parents)":(-1|0|1e30|9999999999999999999|null|"x"|\[\]|true),){0,4}"rows":(\{("(0|4294967296|x)":\{("(used|rssi|numTx|numTxACK|row|t)":(1|-40000|true|null|"a"),){0,4}"owner":\{"code":3\}\})?\}|\[\{"row":7\}\]|5)\}"#,
        ) {
            let element = raw(&text);
            rank(&element);
            asn(&element);
            duty(&element);
            duty_of_source(&element);
            queue(&element);
            neighbors(&element);
            let _ = parse::<Entry<'_>>(&element);
            let _ = parse::<DagEntry<'_>>(&element);
        }
    }
}
