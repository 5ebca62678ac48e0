//! RPL's messages (RFC 6550, section 6), of which the DAO is read: a mote tells the root who its parents are.
//!
//! DAOs are those of the non-storing mode. Every option is read by its own length, whatever its type.

use crate::LowpanError;
use crate::address::Address;
use crate::octets::Reader;

/// What an `ICMPv6` message of type 155 is; its code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RplMessage {
    /// Code 0: a mote asks for a DIO.
    Dis,
    /// Code 1: a mote tells its rank.
    Dio,
    /// Code 2: a mote tells its parents.
    Dao(Dao),
    /// Code 3: the root has heard a DAO.
    DaoAck,
    /// Any other code, as the secured ones.
    Other(u8),
}

impl RplMessage {
    /// Reads what stands behind the `ICMPv6` header.
    pub fn parse(code: u8, body: &[u8]) -> Result<Self, LowpanError> {
        Ok(match code {
            0 => Self::Dis,
            1 => Self::Dio,
            Dao::CODE => Self::Dao(Dao::parse(body)?),
            3 => Self::DaoAck,
            other => Self::Other(other),
        })
    }
}

/// Destination advertisement object (section 6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dao {
    /// Which RPL instance.
    pub instance: u8,
    /// K: the mote wants an acknowledgement.
    pub wants_ack: bool,
    /// Counts the mote's DAOs.
    pub sequence: u8,
    /// The root's address, when it is told (D); OpenWSN always tells it.
    pub dodag: Option<Address>,
    /// In the order in which they came, without padding.
    pub options: Vec<DaoOption>,
}

/// One option of a DAO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DaoOption {
    /// Type 5.
    Target(Target),
    /// Type 6.
    Transit(Transit),
    /// Any other type, as it came.
    Other {
        /// Its type: neither padding (0 and 1) nor one of those above.
        kind: u8,
        /// What stands behind its length; 255 bytes at most.
        data: Vec<u8>,
    },
}

/// RPL target (section 6.7.7): what can be reached through the mote. OpenWSN tells one child at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Unused by RFC 6550.
    pub flags: u8,
    /// Bits of the address that count, 128 at most.
    pub prefix_len: u8,
    /// The address; zero behind the last byte that counts.
    pub address: Address,
}

/// Transit information (section 6.7.8): a parent of the mote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transit {
    /// E, and what is unused.
    pub flags: u8,
    /// Which parent is preferred; OpenWSN says 0.
    pub path_control: u8,
    /// Counts the changes of the path.
    pub path_sequence: u8,
    /// In lifetime units; 0 takes the path back, 255 is for ever. OpenWSN says 170.
    pub lifetime: u8,
    /// The parent; always there in non-storing mode.
    pub parent: Option<Address>,
}

impl Dao {
    /// The `ICMPv6` code.
    pub const CODE: u8 = 2;

    const WANTS_ACK: u8 = 0x80;
    const HAS_DODAG: u8 = 0x40;

    /// A DAO as an OpenWSN mote sends it, without the DODAGID, which is the root's address.
    pub fn to_parent(sequence: u8, parent: Address) -> Self {
        let transit = Transit { flags: 0, path_control: 0, path_sequence: sequence.wrapping_sub(1), lifetime: 0xaa, parent: Some(parent) };
        Self { instance: 0, wants_ack: false, sequence, dodag: None, options: vec![DaoOption::Transit(transit)] }
    }

    /// Reads what stands behind the `ICMPv6` header: `instance | flags | reserved | sequence | [DODAGID] | options`.
    pub fn parse(body: &[u8]) -> Result<Self, LowpanError> {
        let mut reader = Reader::new(body);
        let [instance, flags, _reserved, sequence] = reader.bytes("DAO")?;
        let has_dodag = flags & Self::HAS_DODAG != 0;
        let dodag = if has_dodag { Some(reader.bytes("DODAGID")?) } else { None };
        let mut options = Vec::new();
        while reader.peek().is_some() {
            options.extend(DaoOption::read(&mut reader)?);
        }
        Ok(Self { instance, wants_ack: flags & Self::WANTS_ACK != 0, sequence, dodag, options })
    }

    /// The mirror of [`Dao::parse`].
    pub fn emit(&self) -> Vec<u8> {
        let ack = if self.wants_ack { Self::WANTS_ACK } else { 0 };
        let dodag = if self.dodag.is_some() { Self::HAS_DODAG } else { 0 };
        let mut bytes = vec![self.instance, ack | dodag, 0, self.sequence];
        bytes.extend(self.dodag.iter().flatten());
        for option in &self.options {
            option.write(&mut bytes);
        }
        bytes
    }

    /// The mote's parents, in the order told; a path that is taken back is none.
    pub fn parents(&self) -> impl Iterator<Item = Address> {
        self.options.iter().filter_map(|option| match option {
            DaoOption::Transit(transit) if transit.lifetime != 0 => transit.parent,
            DaoOption::Transit(_) | DaoOption::Target(_) | DaoOption::Other { .. } => None,
        })
    }
}

impl DaoOption {
    const PAD_1: u8 = 0;
    const PAD_N: u8 = 1;
    const TARGET: u8 = 5;
    const TRANSIT: u8 = 6;

    /// None for padding.
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, LowpanError> {
        let at = reader.at();
        let kind = reader.u8("option type")?;
        if kind == Self::PAD_1 {
            return Ok(None);
        }
        let length = usize::from(reader.u8("option length")?);
        let data = reader.slice("option", length)?;
        Ok(match kind {
            Self::PAD_N => None,
            Self::TARGET => {
                let target = Target::parse(data).ok_or(LowpanError::BadLength { what: "RPL target", at, length })?;
                Some(Self::Target(target))
            }
            Self::TRANSIT => {
                let transit = Transit::parse(data).ok_or(LowpanError::BadLength { what: "transit information", at, length })?;
                Some(Self::Transit(transit))
            }
            kind => Some(Self::Other { kind, data: data.to_vec() }),
        })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let (kind, data) = match self {
            Self::Target(target) => (Self::TARGET, target.emit()),
            Self::Transit(transit) => (Self::TRANSIT, transit.emit()),
            Self::Other { kind, data } => (*kind, data.clone()),
        };
        bytes.extend([kind, data.len() as u8]);
        bytes.extend(data);
    }
}

impl Target {
    /// `flags | prefix length | prefix`.
    fn parse(data: &[u8]) -> Option<Self> {
        let (&[flags, prefix_len], prefix) = data.split_first_chunk()?;
        let mut address: Address = [0; 16];
        let len = usize::from(prefix_len).div_ceil(8);
        address.get_mut(..len)?.copy_from_slice(prefix.get(..len)?);
        Some(Self { flags, prefix_len, address })
    }

    fn emit(&self) -> Vec<u8> {
        let len = usize::from(self.prefix_len).div_ceil(8).min(self.address.len());
        [&[self.flags, self.prefix_len], &self.address[..len]].concat()
    }
}

impl Transit {
    /// `flags | path control | path sequence | lifetime | [parent]`.
    fn parse(data: &[u8]) -> Option<Self> {
        let (&[flags, path_control, path_sequence, lifetime], parent) = data.split_first_chunk()?;
        let parent = if parent.is_empty() { None } else { Some(*parent.first_chunk()?) };
        Some(Self { flags, path_control, path_sequence, lifetime, parent })
    }

    fn emit(&self) -> Vec<u8> {
        let fields = [self.flags, self.path_control, self.path_sequence, self.lifetime];
        fields.into_iter().chain(self.parent.into_iter().flatten()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address;
    use mqtypes::ids::Eui64;

    fn mote(number: u8) -> Address {
        address::of([0xbb, 0xbb, 0, 0, 0, 0, 0, 0], Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, number]))
    }

    fn base(flags: u8) -> Vec<u8> {
        [&[0, flags, 0, 7], &mote(1)[..]].concat()
    }

    #[test]
    fn options_are_read_by_their_length_and_padding_is_passed_over() {
        let transit = [&[6, 20, 0, 0, 3, 0xaa], &mote(2)[..]].concat();
        let body = [base(0x40), vec![0, 0, 1, 3, 9, 9, 9, 0x0a, 2, 1, 2], transit, vec![6, 4, 0, 0, 0, 1, 1, 0]].concat();
        let dao = Dao::parse(&body).expect("well formed");
        assert_eq!(dao.options.len(), 3);
        assert_eq!(dao.options[0], DaoOption::Other { kind: 0x0a, data: vec![1, 2] });
        assert_eq!(dao.parents().collect::<Vec<_>>(), [mote(2)]);
    }

    #[test]
    fn the_dodagid_is_there_only_when_the_flag_says_so() {
        let body = [&[0, 0x80, 0, 7, 6, 20, 0, 0, 0, 1][..], &mote(2)].concat();
        let dao = Dao::parse(&body).expect("well formed");
        assert_eq!((dao.dodag, dao.wants_ack, dao.parents().count()), (None, true, 1));
        assert_eq!(dao.emit(), body);
    }

    #[test]
    fn a_path_that_is_taken_back_leaves_no_parent() {
        let body = [base(0x40), vec![6, 20, 0, 0, 3, 0], mote(2).to_vec()].concat();
        assert_eq!(Dao::parse(&body).expect("well formed").parents().count(), 0);
    }

    #[test]
    fn an_option_that_is_cut_off_or_of_a_wrong_length_is_named() {
        let cut = Dao::parse(&[base(0x40), vec![6, 20, 0, 0]].concat());
        assert_eq!(cut, Err(LowpanError::Truncated { what: "option", at: 22, need: 20, left: 2 }));
        for option in [&[6, 3, 0, 0, 0][..], &[6, 5, 0, 0, 0, 1, 1], &[5, 1, 0], &[5, 3, 0, 128, 1], &[5, 19, 0, 136]] {
            let padded = [option, &[0; 17]].concat();
            let told = Dao::parse(&[&base(0x40)[..], &padded[..2 + usize::from(option[1])]].concat());
            assert!(matches!(told, Err(LowpanError::BadLength { at: 20, .. })), "{told:?}");
        }
    }

    #[test]
    fn only_code_2_is_a_dao() {
        let codes = [0, 1, 3, 0x82].map(|code| RplMessage::parse(code, &base(0x40)));
        assert_eq!(codes, [Ok(RplMessage::Dis), Ok(RplMessage::Dio), Ok(RplMessage::DaoAck), Ok(RplMessage::Other(0x82))]);
        assert!(matches!(RplMessage::parse(2, &base(0x40)), Ok(RplMessage::Dao(_))));
    }
}
