//! `ui-proxy announce`: what avahi-daemon has to read so that a GUI host finds this router on its local network (DNS-SD, RFC 6763).
//!
//! It prints avahi's service file and writes nothing but, the first time, the router's id. What is announced is the machine's SSH
//! server, through which a GUI host comes; this process listens on nothing. Who the router is must still be proved by the keys.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bus::console;
use bus::options::Common;
use bus::process::Failure;
use clap::Args;

use crate::identity::{self, IdError};

/// Longest name of a service, bytes: a label of the DNS. A router's own name may be one byte longer.
const LONGEST_LABEL: usize = 63;

/// `ui-proxy announce`.
#[derive(Debug, Clone, Args)]
pub struct AnnounceCall {
    /// Port of this machine's SSH server
    #[arg(long, default_value = "22", value_parser = clap::value_parser!(u16).range(1..))]
    pub ssh_port: u16,

    /// Directory for what lasts: the router's id
    #[arg(long, value_name = "DIR", default_value = "/var/lib/lbr")]
    pub state_dir: PathBuf,

    /// The router's id; default: the one in the state directory
    #[arg(long, value_parser = identity::parse_id)]
    pub id: Option<String>,

    /// The router's name for people; default: the host name
    #[arg(long, value_parser = identity::parse_name)]
    pub name: Option<String>,

    /// What every process takes.
    #[command(flatten)]
    pub common: Common,
}

/// Prints it.
pub fn run(call: &AnnounceCall) -> ExitCode {
    match announce(call) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::complain(&format!("ui-proxy announce: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn announce(call: &AnnounceCall) -> Result<(), Failure> {
    let id = match &call.id {
        Some(id) => id.clone(),
        None => identity::lasting_id(&call.state_dir).map_err(|error| match &error {
            IdError::System(..) => Failure::Environment(error.to_string()),
            IdError::Content(..) => Failure::Configuration(error.to_string()),
        })?,
    };
    let name = call.name.clone().unwrap_or_else(identity::hostname);
    Ok(io::stdout().write_all(service_file(&id, &name, call.ssh_port).as_bytes())?)
}

/// The whole of avahi.service(5)'s file. The TXT keys are those that `gui-host discover` shows.
fn service_file(id: &str, name: &str, ssh_port: u16) -> String {
    let record = |key: &str, value: &str| format!("    <txt-record>{key}={}</txt-record>\n", escaped(value));
    let records = [record("id", id), record("name", name), record("version", env!("CARGO_PKG_VERSION"))].concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
         <!DOCTYPE service-group SYSTEM \"avahi-service.dtd\">\n\
         <!-- Made by `ui-proxy announce`, and made anew at each start: a change here does not last. -->\n\
         <service-group>\n  \
           <name replace-wildcards=\"no\">{}</name>\n  \
           <service>\n    \
             <type>_openwsn-lbr._tcp</type>\n    \
             <port>{ssh_port}</port>\n\
             {records}  \
           </service>\n\
         </service-group>\n",
        escaped(label(name)),
    )
}

/// As much of a name as a label holds.
fn label(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_LABEL)]
}

/// Text between two tags, as XML 1.0 has it (sections 2.2 and 2.4): what a document cannot hold at all is replaced.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avahi_is_told_the_ssh_server_and_who_it_leads_to() {
        let expected = format!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<!-- Made by `ui-proxy announce`, and made anew at each start: a change here does not last. -->
<service-group>
  <name replace-wildcards="no">the roof</name>
  <service>
    <type>_openwsn-lbr._tcp</type>
    <port>2222</port>
    <txt-record>id=141592cc</txt-record>
    <txt-record>name=the roof</txt-record>
    <txt-record>version={}</txt-record>
  </service>
</service-group>
"#,
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(service_file("141592cc", "the roof", 2222), expected);
    }

    #[test]
    fn a_name_cannot_say_more_than_a_name() {
        let file = service_file("x", "</name><port>1</port> R&D \u{1b}\u{ffff}", 22);
        assert_eq!(file.matches("<port>").count(), 1);
        assert!(file.contains("&lt;/name&gt;&lt;port&gt;1&lt;/port&gt; R&amp;D \u{fffd}\u{fffd}<"), "{file}");
    }

    #[test]
    fn a_long_name_is_cut_to_a_label_between_two_characters() {
        assert_eq!(label(&"x".repeat(64)).len(), 63);
        assert_eq!(label(&"é".repeat(32)).len(), 62);
        assert_eq!(label("roof"), "roof");
    }
}
