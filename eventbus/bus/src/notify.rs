//! What a process tells the supervisor that started it: the datagrams of `sd_notify(3)`, without its library.
//!
//! The supervisor names its socket in `NOTIFY_SOCKET`; without that, nothing is said. Telling never blocks and never fails the
//! process: a supervisor that did not hear it knows what to do.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use mqtypes::mono::Mono;

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The process does its work from now on.
    Ready,
    /// It has begun, at this time, to read its configuration again; [`Self::Ready`] ends that.
    Reloading(Mono),
    /// It is about to end, as it was asked to or because it must.
    Stopping,
    /// It is alive; see [`crate::watchdog`].
    Alive,
}

impl State {
    /// The datagram, as `sd_notify(3)` has it.
    fn text(self) -> Cow<'static, str> {
        match self {
            Self::Ready => "READY=1".into(),
            // By the time a supervisor tells the answer to its own request from one to an earlier one.
            Self::Reloading(Mono(us)) => format!("RELOADING=1\nMONOTONIC_USEC={us}").into(),
            Self::Stopping => "STOPPING=1".into(),
            Self::Alive => "WATCHDOG=1".into(),
        }
    }
}

/// The way to the supervisor.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Supervisor {
    /// The one that `NOTIFY_SOCKET` names, if it does. Another program's leftover there is said and otherwise ignored.
    pub fn from_environment() -> Option<Self> {
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())?;
        let found = address(&name).and_then(Self::at);
        if found.is_none() {
            log::warn!("NOTIFY_SOCKET={}: no socket can have this name; ignored", name.to_string_lossy());
        }
        found
    }

    /// A new socket of ours, not connected: the supervisor's may be made anew under its name at any time.
    fn at(address: SocketAddr) -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, address })
    }

    /// Tells it.
    pub fn tell(&self, state: State) {
        // Nobody to tell that there is nobody to tell.
        if let Err(error) = self.socket.send_to_addr(state.text().as_bytes(), &self.address) {
            log::debug!("the supervisor was not told {state:?}: {error}");
        }
    }
}

/// A path, or, behind `@`, a name in the kernel's abstract name space.
fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        [b'@', rest @ ..] if !rest.is_empty() => SocketAddr::from_abstract_name(rest).ok(),
        _neither => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_sd_notify() {
        let said = [State::Ready, State::Reloading(Mono(1_234_567)), State::Stopping, State::Alive].map(State::text);
        assert_eq!(said, ["READY=1", "RELOADING=1\nMONOTONIC_USEC=1234567", "STOPPING=1", "WATCHDOG=1"]);
    }

    #[test]
    fn a_supervisor_is_told_under_a_path_and_under_an_abstract_name() {
        let path = std::env::temp_dir().join(format!("bus-notify-{}", std::process::id()));
        let abstract_name = format!("bus-notify-{}", std::process::id());
        let there = [
            (path.clone().into_os_string(), UnixDatagram::bind(&path).expect("bound")),
            (
                format!("@{abstract_name}").into(),
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&abstract_name).expect("a name")).expect("bound"),
            ),
        ];
        for (name, theirs) in there {
            let supervisor = Supervisor::at(address(&name).expect("a name")).expect("a socket");
            supervisor.tell(State::Ready);
            let mut heard = [0; 64];
            let len = theirs.recv(&mut heard).expect("told");
            assert_eq!(&heard[..len], b"READY=1");
        }
        std::fs::remove_file(path).expect("there");
    }

    #[test]
    fn what_no_socket_can_be_called_is_no_address() {
        let long = format!("/{}", "x".repeat(200));
        for name in ["relative", "@", "vsock:2:1234", "/a\0b", &long] {
            assert!(address(OsStr::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn a_supervisor_that_has_gone_costs_nothing() {
        let nobody = Supervisor::at(address(OsStr::new("/no/such/socket")).expect("a path")).expect("a socket");
        nobody.tell(State::Ready);
    }
}
