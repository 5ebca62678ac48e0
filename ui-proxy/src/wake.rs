//! `ui-proxy wake`: tells the running process to connect, for those who may not signal it.

use std::io;
use std::process::ExitCode;

use bus::clock;
use bus::console;
use bus::process::{Failure, Identity};
use bus::queue::{PeerQueue, QueueError, glance};
use mqtypes::codec;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::queues::{UI_PROXY_REQUESTS, kernel_name};
use mqtypes::wake::ProxyRequest;
use nix::unistd::{Uid, User};

use crate::options::WakeCall;

/// Runs it; tells a person how it went.
pub fn run(call: &WakeCall) -> ExitCode {
    match wake(call) {
        Ok(pid) => {
            console::tell(&format!("ui-proxy (process {pid}) was told to connect to the GUI host; its log tells how it goes"));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            console::complain(&format!("ui-proxy wake: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn wake(call: &WakeCall) -> Result<u32, Failure> {
    let instance = &call.common.instance;
    let name = kernel_name(instance, UI_PROXY_REQUESTS.spec.name);
    let nobody = || {
        Failure::Environment(format!("no ui-proxy runs here under the instance `{instance}`; start it, or name another with --instance"))
    };
    // A queue outlives its reader, so that it is there proves nothing; its lock does.
    let pid = match glance(&name) {
        Ok(seen) => seen.holder.ok_or_else(nobody)?,
        Err(QueueError::Missing { .. }) => return Err(nobody()),
        Err(QueueError::Closed { .. }) => return Err(closed_to_us(&name)),
        Err(error) => return Err(error.into()),
    };
    let Identity { sender, boot, .. } = Identity::new(Sender::Tool);
    let envelope = Envelope { sender, boot, seq: 0, sent: clock::now() };
    let message = codec::encode(&envelope, &ProxyRequest::Wake { port: call.port }).expect("a wake-up is a few bytes");
    PeerQueue::open_shared(&name)?.send(&message).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Failure::Environment(format!(
            "ui-proxy (process {pid}) does not read its queue {name}: earlier requests wait in it; look at its log"
        )),
        _other => error.into(),
    })?;
    Ok(pid)
}

/// The queue has no word for who may write to it, but it is always the same people.
fn closed_to_us(name: &str) -> Failure {
    let uid = Uid::effective();
    let user = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    Failure::Environment(format!(
        "{name} is closed to user `{user}`: only root, the user that ui-proxy runs as and members of its group may wake it; \
         as root: usermod -aG lbr {user} (OpenWrt: add {user} to the line of lbr in /etc/group), then log in anew"
    ))
}
