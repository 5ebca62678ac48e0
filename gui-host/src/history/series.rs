//! What is measured over time, how long a reading stands, and how readings become one when a step
//! holds several.

/// A figure of a mote, or of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Frames that the mote's preferred parent acknowledged, of those sent to it.
    Prr,
    /// How strongly the mote hears its preferred parent, dBm.
    Rssi,
    /// Packets in the mote's queue.
    Queue,
    /// The mote's rank (RFC 6550).
    Rank,
    /// How fast the mote's absolute slot number grows, slots a second.
    AsnRate,
    /// Share of the time that the mote's radio was on, 0 to 1.
    Duty,
    /// Status frames a second of all motes of a router.
    StatusRate,
    /// Data frames a second.
    DataRate,
    /// Log lines of severity `error` or `critical` a second.
    ErrorRate,
}

/// How the readings of one step become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Their mean, each by the time that it stood.
    Mean,
    /// The last.
    Last,
    /// The greatest.
    Most,
}

/// Rank of a mote that has none (`MAXDAGRANK` of the firmware); a chart of it would be flat.
const NO_RANK: f64 = 65_535.0;

/// Elements are said again every ten seconds; a row of the neighbour table comes in its turn only,
/// which takes a minute or two.
const ELEMENT_STANDS: u64 = 30_000;
const ROW_STANDS: u64 = 150_000;
/// Rates of a router are taken every two seconds; one that is the same is kept again after ten.
const RATE_STANDS: u64 = 15_000;

impl Quantity {
    /// Those of a mote.
    pub const OF_MOTE: [Self; 6] = [Self::Prr, Self::Rssi, Self::Queue, Self::Rank, Self::AsnRate, Self::Duty];

    /// Those of a router.
    pub const OF_ROUTER: [Self; 3] = [Self::StatusRate, Self::DataRate, Self::ErrorRate];

    /// Its name in answers, exports and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prr => "prr",
            Self::Rssi => "rssi",
            Self::Queue => "queue",
            Self::Rank => "rank",
            Self::AsnRate => "asn_rate",
            Self::Duty => "duty",
            Self::StatusRate => "status_rate",
            Self::DataRate => "data_rate",
            Self::ErrorRate => "error_rate",
        }
    }

    /// How long a reading stands when no other follows, milliseconds.
    pub fn stands(self) -> u64 {
        match self {
            Self::Prr | Self::Rssi => ROW_STANDS,
            Self::Queue | Self::Rank | Self::AsnRate | Self::Duty => ELEMENT_STANDS,
            Self::StatusRate | Self::DataRate | Self::ErrorRate => RATE_STANDS,
        }
    }

    /// How readings become one. A PRR and a duty cycle are running means already.
    pub fn fold(self) -> Fold {
        match self {
            Self::Rssi | Self::AsnRate | Self::StatusRate | Self::DataRate | Self::ErrorRate => Fold::Mean,
            Self::Prr | Self::Rank | Self::Duty => Fold::Last,
            Self::Queue => Fold::Most,
        }
    }
}

/// A value as it was told. PRR keeps both of its counters: they are halved together before they
/// overflow, so their ratio means something and their differences nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The value; of a ratio the part.
    pub value: f64,
    /// Of a ratio the whole.
    pub of: Option<f64>,
}

impl Reading {
    /// A value that is no ratio.
    pub fn plain(value: f64) -> Self {
        Self { value, of: None }
    }

    /// What a chart shows: ratios as per cent, and nothing where there is nothing to divide by.
    pub fn shown(self, quantity: Quantity) -> Option<f64> {
        let shown = match (quantity, self.of) {
            (Quantity::Duty, _) => self.value * 100.0,
            (_, Some(of)) => self.value / of * 100.0,
            (Quantity::Rank, None) if self.value >= NO_RANK => return None,
            (_, None) => self.value,
        };
        shown.is_finite().then_some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_not() {
        let ratio = |value, of| Reading { value, of: Some(of) }.shown(Quantity::Prr);
        assert_eq!((ratio(9.0, 10.0), ratio(0.0, 0.0)), (Some(90.0), None));
        assert_eq!(Reading::plain(0.03125).shown(Quantity::Duty), Some(3.125));
        assert_eq!(Reading::plain(65_535.0).shown(Quantity::Rank), None);
        assert_eq!(Reading::plain(65_535.0).shown(Quantity::AsnRate), Some(65_535.0));
        assert_eq!(Reading::plain(f64::INFINITY).shown(Quantity::Rssi), None);
    }
}
