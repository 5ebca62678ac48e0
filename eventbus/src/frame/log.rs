//! Log frames: nine bytes, and what they mean in words.
//!
//! The frame has numbers only. [`LogFrame::describe`] looks them up; a number that the tables lack is shown as a number.

use mqtypes::log::{Coded, Severity};
use mqtypes::names;

use super::octets::{Reader, Truncated, Writer};
use super::tables::{self, Message, Shown};

/// The name of a number that no table has.
const UNKNOWN: &str = "unknown";

/// `type | id(2) | component(1) | code(1) | arg1(2) | arg2(2)` (`openserial_printLog`); the arguments are big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFrame {
    /// From the type byte; never [`Severity::Printf`], whose frames have another shape.
    pub severity: Severity,
    /// The mote's 16-bit address.
    pub id16: u16,
    /// The component that logs (`COMPONENT_*`).
    pub component: u8,
    /// The message (`ERR_*`).
    pub code: u8,
    /// First argument, as it came.
    pub arg1: u16,
    /// Second argument, as it came.
    pub arg2: u16,
}

/// What a [`LogFrame`] means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The component and its name.
    pub component: Coded,
    /// The message and its name, without `ERR_`.
    pub error: Coded,
    /// The arguments, signed only where the message means them so.
    pub args: [i32; 2],
    /// The message in words; at most some hundred characters.
    pub text: String,
}

impl LogFrame {
    /// The frame's meaning, by the tables of firmware 1.25. Legacy firmware numbers its messages otherwise and does not say so.
    pub fn describe(&self) -> Described {
        let message = tables::message(self.code);
        let shown = message.map_or([Shown::Decimal; 2], |message| message.args);
        Described {
            component: coded(self.component, names::component(self.component)),
            error: coded(self.code, message.map(|message| message.name)),
            args: [shown[0].number(self.arg1), shown[1].number(self.arg2)],
            text: message.map_or_else(|| self.describe_unknown(), |message| self.fill(message)),
        }
    }

    fn fill(&self, message: &Message) -> String {
        let [first, second] = message.args;
        message.text.replace("{0}", &first.words(self.arg1)).replace("{1}", &second.words(self.arg2))
    }

    fn describe_unknown(&self) -> String {
        format!("unknown code {} (arg1 {}, arg2 {})", self.code, self.arg1, self.arg2)
    }

    pub(super) fn read(severity: Severity, reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self {
            severity,
            id16: reader.u16_be()?,
            component: reader.u8()?,
            code: reader.u8()?,
            arg1: reader.u16_be()?,
            arg2: reader.u16_be()?,
        })
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.u16_be(self.id16).u8(self.component).u8(self.code).u16_be(self.arg1).u16_be(self.arg2)
    }
}

/// The severity that a log frame's type byte names.
pub(super) fn severity(type_byte: u8) -> Option<Severity> {
    match type_byte {
        b'V' => Some(Severity::Verbose),
        b'I' => Some(Severity::Info),
        b'W' => Some(Severity::Warning),
        b'U' => Some(Severity::Success),
        b'E' => Some(Severity::Error),
        b'C' => Some(Severity::Critical),
        _other => None,
    }
}

pub(super) fn type_byte(severity: Severity) -> u8 {
    match severity {
        Severity::Verbose => b'V',
        Severity::Info => b'I',
        Severity::Warning => b'W',
        Severity::Success => b'U',
        Severity::Error => b'E',
        Severity::Critical => b'C',
        Severity::Printf => super::printf::TYPE,
    }
}

fn coded(code: u8, name: Option<&str>) -> Coded {
    Coded { code, name: name.unwrap_or(UNKNOWN).to_owned() }
}

impl Shown {
    fn number(self, argument: u16) -> i32 {
        match self {
            Self::Signed => argument.cast_signed().into(),
            Self::Decimal | Self::Hex2 | Self::Hex4 | Self::Named(_) => argument.into(),
        }
    }

    fn words(self, argument: u16) -> String {
        match self {
            Self::Decimal | Self::Signed => self.number(argument).to_string(),
            Self::Hex2 => format!("{argument:02x}"),
            Self::Hex4 => format!("{argument:04x}"),
            Self::Named(table) => table.name(argument).map_or_else(|| argument.to_string(), str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(component: u8, code: u8, args: [u16; 2], text: &str) -> Described {
        let [arg1, arg2] = args;
        let described = LogFrame { severity: Severity::Error, id16: 1, component, code, arg1, arg2 }.describe();
        assert_eq!(described.text, text);
        described
    }

    #[test]
    fn numbers_become_words() {
        check(0x01, 0x4f, [0, 0], "booted");
        check(0x0c, 0x25, [0, 7], "6P return code RC_SUCCESS in state WAIT_ADDRESPONSE");
        check(0x09, 0x33, [1, 44], "unexpected MAC state SYNCLISTEN at slot start, slot 44");
        check(0x14, 0x11, [0, 2], "no next hop towards ..0002");
        check(0x0d, 0x4b, [2, 1], "address type 64B not valid here (loc 1)");
        check(0x29, 0x3f, [0, 12], "link-layer security failure on frame type BEACON (loc 12)");
        check(0x09, 0x2d, [3, 1], "cell type TXRX not valid at slot 1");
        check(0x05, 0x09, [0xab, 0x1234], "bad checksum: wanted 0x00ab, got 0x1234");
        check(0x12, 0x10, [3, 9], "6LoWPAN value 9 not supported at loc 3, packet dropped");
    }

    #[test]
    fn names_stand_beside_their_numbers() {
        let described = check(0x1d, 0x01, [0, 0], "secure join completed");
        assert_eq!(described.component, Coded { code: 0x1d, name: "CJOIN".to_owned() });
        assert_eq!(described.error, Coded { code: 0x01, name: "JOINED".to_owned() });
    }

    #[test]
    fn only_the_time_correction_is_signed() {
        assert_eq!(check(9, 0x31, [0xfff9, 1], "large time correction of -7 ticks (loc 1)").args, [-7, 1]);
        let rank = check(0x14, 0x15, [0xffff, 0xfff9], "possible loop: sender rank 65535 is below own rank 65529");
        assert_eq!(rank.args, [65535, 65529]);
    }

    #[test]
    fn what_the_tables_lack_is_shown_as_a_number() {
        let unknown = check(99, 99, [1, 2], "unknown code 99 (arg1 1, arg2 2)");
        assert_eq!([&unknown.component.name, &unknown.error.name], ["unknown", "unknown"]);
        check(9, 0x18, [0xffff, 0], "unknown code 24 (arg1 65535, arg2 0)");
        check(0x0c, 0x25, [10, 0xffff], "6P return code 10 in state 65535");
    }

    #[test]
    fn no_combination_of_numbers_makes_a_long_or_unfinished_text() {
        for code in 0..=u8::MAX {
            for argument in [0, 1, 99, 0x8000, 0xffff] {
                let frame = LogFrame { severity: Severity::Info, id16: 1, component: code, code, arg1: argument, arg2: argument };
                let text = frame.describe().text;
                assert!(!text.is_empty() && text.len() < 120 && !text.contains(['{', '}']), "{code}: {text}");
            }
        }
    }
}
