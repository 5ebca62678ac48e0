//! The command line of `mq-inspect capture`.

use std::path::PathBuf;

use clap::Args;
use lowpan::capture::{Capture, Form};
use mqtypes::ids::Eui64;

use crate::inspect::existing::ForceOption;
use crate::inspect::mote_name::MoteName;
use crate::inspect::options::Set;

/// `mq-inspect capture`.
#[derive(Debug, Args)]
#[command(after_help = "\
Live in Wireshark, here or over SSH, and through a FIFO, whose readers may come and go:

  mq-inspect capture - | wireshark -k -i - -o 6lowpan.context0:bbbb::/64
  ssh ROUTER mq-inspect capture - | wireshark -k -i - -o 6lowpan.context0:bbbb::/64
  mkfifo mesh; mq-inspect capture mesh & wireshark -k -i mesh

A root hands packets up without MAC header: the one in the capture is made up, and each packet's
comment says so. Wireshark needs the network's prefix as context 0 to see IPv6 addresses in it; with
--expand it needs nothing. A sniffer's frames have their own MAC header, which names no upper layer:
for these say -d wpan.panid==0xcafe,6lowpan with the PAN of the network. Times of a recording count
from the beginning of 1970.

MOTE is an EUI-64, its last four hex digits, or a port such as /dev/ttyUSB0 or ttyUSB0; with --from
an EUI-64.")]
pub struct CaptureOptions {
    #[command(flatten)]
    pub set: Set,

    /// Where to: a file that is not there yet, a FIFO, or - for standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Read a recording, plain or gzipped, and no router; - is standard input
    #[arg(long, value_name = "RECORDING", conflicts_with_all = ["instance", "seconds", "sniffed"])]
    pub from: Option<PathBuf>,

    /// Write plain IPv6 packets in place of 6LoWPAN
    #[arg(long)]
    pub expand: bool,

    /// Prefix of the network, a /64
    #[arg(long, value_name = "ADDRESS", default_value = "bbbb::", value_parser = crate::options::prefix)]
    pub prefix: [u8; 8],

    /// Only what this mote sent, forwarded, handed up; fragments tell no origin
    #[arg(long, value_name = "MOTE")]
    pub mote: Option<MoteName>,

    /// Also what sniffer motes hear, out of all bytes of all serial lines
    #[arg(long)]
    pub sniffed: bool,

    /// End after so many packets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: Option<u32>,

    /// End before the capture gets larger than so many bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1024..))]
    pub max_bytes: Option<u64>,

    #[command(flatten)]
    pub force: ForceOption,
}

impl CaptureOptions {
    /// Why these do not go together, if so.
    pub fn check(&self) -> Result<(), String> {
        match (&self.from, &self.mote) {
            (Some(_), Some(mote)) if mote.eui().is_none() => {
                Err(format!("--from and --mote {mote}: a recording has no inventory; name the mote by its whole EUI-64"))
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// A capture without packets yet, which will have those of one mote, or all.
    pub fn capture(&self, only: Option<Eui64>) -> Capture {
        let form = if self.expand { Form::Expanded } else { Form::Sent };
        Capture::new(concat!("mq-inspect ", env!("CARGO_PKG_VERSION")), form, self.prefix, only)
    }
}
