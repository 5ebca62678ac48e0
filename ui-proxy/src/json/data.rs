//! `mote-data`.

use data_encoding::HEXLOWER;
use mqtypes::mesh::MoteData;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    mote: Option<String>,
    port: Option<&'a str>,
    asn: u64,
    source: String,
    destination: String,
    lowpan: String,
}

pub(super) fn body(data: &MoteData) -> Body<'_> {
    Body {
        mote: data.who.mote.map(|mote| mote.to_string()),
        port: data.who.port.as_ref().map(|port| port.0.as_str()),
        asn: data.asn.0,
        source: data.source.to_string(),
        destination: data.destination.to_string(),
        lowpan: HEXLOWER.encode(&data.lowpan),
    }
}

#[cfg(test)]
mod tests {
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use crate::session::events::tests::packet;

    #[test]
    fn a_packet_is_dated_when_it_was_heard() {
        assert_eq!(
            encode(&Message::Data(packet(3)), 9, NOW),
            concat!(
                r#"{"type":"mote-data","seq":9,"t":1700000009000,"mote":"141592cc00000001","port":"a","asn":4660,"#,
                r#""source":"141592cc00000002","destination":"141592cc00000001","lowpan":"f1f1f1"}"#
            )
        );
    }
}
