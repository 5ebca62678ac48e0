//! `uinject`.

use bus::moment::Moment;
use mqtypes::ids::BootId;
use mqtypes::mesh::{UinjectLayout, UinjectReport};
use serde::Serialize;

use super::PartJson;
use crate::message::Part;

#[derive(Serialize)]
pub(super) struct Body {
    boot: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson>,
    sources: Vec<Source>,
}

#[derive(Serialize)]
struct Source {
    mote: String,
    heard: u64,
    layout: &'static str,
    counter: u16,
    received: u32,
    expected: u32,
    /// Packet delivery ratio.
    pdr: Option<f64>,
    latency: Option<Latency>,
    tx_cells: u8,
    rx_cells: u8,
    duty_cycle: Option<f64>,
}

/// Slots.
#[derive(Serialize)]
struct Latency {
    last: Option<u32>,
    mean: f64,
}

impl Source {
    fn new(report: &UinjectReport, now: Moment) -> Self {
        let ratio = |part: u32, whole: u32| (whole != 0).then(|| f64::from(part) / f64::from(whole));
        let mean = (report.latencies != 0).then(|| report.latency_sum as f64 / f64::from(report.latencies));
        Self {
            mote: report.mote.to_string(),
            heard: now.unix_ms_of(report.heard),
            layout: match report.layout {
                UinjectLayout::NameFirst => "name-first",
                UinjectLayout::NameLast => "name-last",
            },
            counter: report.counter,
            received: report.received,
            expected: report.expected,
            pdr: ratio(report.received, report.expected),
            latency: mean.map(|mean| Latency { last: report.latency, mean }),
            tx_cells: report.tx_cells,
            rx_cells: report.rx_cells,
            duty_cycle: ratio(report.tics_on, report.tics_total),
        }
    }
}

pub(super) fn body(boot: BootId, part: Option<Part>, sources: &[UinjectReport], now: Moment) -> Body {
    Body {
        boot: boot.to_string(),
        part: part.map(PartJson::from),
        sources: sources.iter().map(|report| Source::new(report, now)).collect(),
    }
}

/// How long one source is.
pub fn length(report: &UinjectReport, now: Moment) -> usize {
    super::length(&Source::new(report, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use crate::session::uinject::tests::report;

    #[test]
    fn a_source_tells_its_ratios_and_null_where_there_is_nothing_to_divide_by() {
        let known = UinjectReport { heard: NOW.mono, ..report(2, 3) };
        let latency = UinjectReport { latency: None, ..known.clone() };
        let nothing = UinjectReport { layout: UinjectLayout::NameLast, expected: 0, latencies: 0, tics_total: 0, ..known.clone() };
        let text = encode(&Message::Uinject { boot: BootId(0x1f), part: None, sources: vec![known, latency, nothing] }, 5, NOW);
        let head = r#"{"type":"uinject","seq":5,"t":1700000010000,"boot":"0000001f","sources":["#;
        let source = |layout, expected, pdr, latency, duty_cycle| {
            format!(
                concat!(
                    r#"{{"mote":"141592cc00000002","heard":1700000010000,"layout":"{}","counter":3,"received":3,"expected":{},"#,
                    r#""pdr":{},"latency":{},"tx_cells":1,"rx_cells":2,"duty_cycle":{}}}"#
                ),
                layout, expected, pdr, latency, duty_cycle
            )
        };
        let expect = [
            source("name-first", 4, "0.75", r#"{"last":40,"mean":50.0}"#, "0.75"),
            source("name-first", 4, "0.75", r#"{"last":null,"mean":50.0}"#, "0.75"),
            source("name-last", 0, "null", "null", "null"),
        ];
        assert_eq!(text, format!("{head}{}]}}", expect.join(",")));
    }
}
