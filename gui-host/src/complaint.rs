//! What the words of `ssh` and of the wake-up mean, and the way out, for people who do not read them every day.
//!
//! The words themselves are always shown beside it. A router can say any of them too, so nothing but a sentence and a
//! new attempt may follow from them.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// The router does not listen on the port for us.
    ForwardRefused,
    /// No key that is offered opens the router.
    NotLetIn,
    /// The router shows another host key than it used to.
    OtherHostKey,
    /// The router's host key has never been seen.
    UnknownHostKey,
    /// The name leads nowhere.
    NoSuchName,
    /// Nobody answers at that port.
    NoServer,
    /// No packet comes back.
    Unreachable,
    /// This user of the router may not signal `ui-proxy`, or not write to its queue.
    MayNotWake,
    /// There is nobody to be woken.
    NotRunning,
    /// This user of the router has no `ui-proxy` to run.
    NoProgram,
}

/// The words of OpenSSH, of plink, of `pkill` and of `ui-proxy wake`. The first that is found in a line counts.
const WORDS: [(&str, Complaint); 28] = [
    ("remote port forwarding failed for listen port", Complaint::ForwardRefused),
    ("Permission denied (", Complaint::NotLetIn),
    ("Too many authentication failures", Complaint::NotLetIn),
    ("Cannot answer interactive prompts in batch mode", Complaint::NotLetIn),
    ("No supported authentication methods available", Complaint::NotLetIn),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Complaint::OtherHostKey),
    ("POTENTIAL SECURITY BREACH", Complaint::OtherHostKey),
    ("Host key not in manually configured list", Complaint::OtherHostKey),
    ("Host key verification failed", Complaint::UnknownHostKey),
    ("Cannot confirm a host key in batch mode", Complaint::UnknownHostKey),
    ("Could not resolve hostname", Complaint::NoSuchName),
    ("Host does not exist", Complaint::NoSuchName),
    ("Name or service not known", Complaint::NoSuchName),
    ("Connection refused", Complaint::NoServer),
    ("No route to host", Complaint::Unreachable),
    ("Network is unreachable", Complaint::Unreachable),
    ("Connection timed out", Complaint::Unreachable),
    ("Operation timed out", Complaint::Unreachable),
    ("Timeout, server", Complaint::Unreachable),
    ("Software caused connection abort", Complaint::Unreachable),
    ("no ui-proxy runs here", Complaint::NotRunning),
    ("ui-proxy: not found", Complaint::NoProgram),
    ("ui-proxy: command not found", Complaint::NoProgram),
    ("command not found: ui-proxy", Complaint::NoProgram),
    ("Operation not permitted", Complaint::MayNotWake),
    ("is closed to user", Complaint::MayNotWake),
    ("Permission denied", Complaint::MayNotWake),
    ("(os error 13)", Complaint::MayNotWake),
];

impl Complaint {
    /// What a line says.
    pub fn read(line: &str) -> Option<Self> {
        // plink has no words of its own for it that could stand in the table.
        if line.starts_with("Remote port forwarding from ") && line.trim_end().ends_with("refused") {
            return Some(Self::ForwardRefused);
        }
        WORDS.iter().find(|(words, _)| line.contains(words)).map(|&(_, complaint)| complaint)
    }

    /// What it means and what to do.
    pub fn way_out(self) -> &'static str {
        match self {
            Self::ForwardRefused => {
                "the router does not give us its port: another gui-host has its tunnel there, or an earlier tunnel's end has not been \
                 noticed yet, or your key may not forward it; stop the other one, or wait"
            }
            Self::NotLetIn => {
                "the router wants a key that is not offered, and no password is asked for here; put your public key there (ssh-copy-id), \
                 and if it has a passphrase, load it into the agent (ssh-add); dropbear also refuses a key whose line in authorized_keys \
                 has an option that it does not know (`gui-host keygen` prints one for it)"
            }
            Self::OtherHostKey => {
                "the router shows another host key than before; if it was installed anew, remove the old key as the words of ssh say, \
                 else somebody may stand in between"
            }
            Self::UnknownHostKey => "the router's host key is not known yet; log in once by hand and compare its fingerprint",
            Self::NoSuchName => "there is no such name; check its spelling, or let `gui-host discover` list the routers of this network",
            Self::NoServer => "no SSH server answers there; is it the right host, and does its SSH server run?",
            Self::Unreachable => "the router does not answer; is it switched on, and reachable from this network?",
            Self::MayNotWake => {
                "this user of the router may not wake ui-proxy; log in as root or lbr, or let root add the user there: usermod -aG lbr USER"
            }
            Self::NotRunning => {
                "no ui-proxy runs on the router, or under another --instance; start it there: systemctl start lbr.target, or /etc/init.d/lbr \
                 start"
            }
            Self::NoProgram => {
                "this user of the router has no ui-proxy in its search path; install it there, or give its place with --wake-command, or in \
                 your key's line of authorized_keys there: /usr/sbin/ui-proxy wake"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_words_are_understood() {
        let check = |line: &str, expect| assert_eq!(Complaint::read(line), expect, "{line}");
        check("Error: remote port forwarding failed for listen port 8000", Some(Complaint::ForwardRefused));
        check("Remote port forwarding from 127.0.0.1:8000 refused", Some(Complaint::ForwardRefused));
        check("Remote port forwarding from 127.0.0.1:8000 enabled", None);
        check("me@lbr: Permission denied (publickey,password).", Some(Complaint::NotLetIn));
        check("FATAL ERROR: Cannot answer interactive prompts in batch mode", Some(Complaint::NotLetIn));
        check("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", Some(Complaint::OtherHostKey));
        check("Host key verification failed.", Some(Complaint::UnknownHostKey));
        check("FATAL ERROR: Cannot confirm a host key in batch mode", Some(Complaint::UnknownHostKey));
        check("ssh: Could not resolve hostname lbr: Name or service not known", Some(Complaint::NoSuchName));
        check("ssh: connect to host 192.0.2.7 port 22: Connection refused", Some(Complaint::NoServer));
        check("ssh: connect to host 192.0.2.7 port 22: No route to host", Some(Complaint::Unreachable));
        check("Timeout, server 192.0.2.7 not responding.", Some(Complaint::Unreachable));
        check("pkill: killing pid 4711 failed: Operation not permitted", Some(Complaint::MayNotWake));
        check("FATAL ERROR: Host key not in manually configured list", Some(Complaint::OtherHostKey));
        check("ui-proxy wake: no ui-proxy runs here under the instance `lbr`; start it", Some(Complaint::NotRunning));
        check("ui-proxy wake: /lbr.ui-proxy-requests is closed to user `me`: only root", Some(Complaint::MayNotWake));
        check("sh: 1: ui-proxy: not found", Some(Complaint::NoProgram));
        check("bash: line 1: ui-proxy: command not found", Some(Complaint::NoProgram));
        check("ash: pkill: not found", None);
        check("Warning: Permanently added 'lbr' (ED25519) to the list of known hosts.", None);
    }
}
