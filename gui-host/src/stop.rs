//! What tells the host to stop.

use anyhow::Context;

#[cfg(unix)]
pub use unix::StopSignals;
#[cfg(windows)]
pub use windows::StopSignals;

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Context;

    /// The signals that mean stop. A hang-up is not among them: it reaches every `ssh` too, and `nohup`
    /// must be able to keep it away.
    pub struct StopSignals([Signal; 2]);

    impl StopSignals {
        /// Listens to them from now on.
        pub fn new() -> anyhow::Result<Self> {
            let open = |kind| signal(kind).context("cannot listen to signals");
            Ok(Self([open(SignalKind::interrupt())?, open(SignalKind::terminate())?]))
        }

        /// Waits for one of them.
        pub async fn wait(&mut self) {
            let [interrupt, terminate] = &mut self.0;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    }
}

#[cfg(windows)]
mod windows {
    use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

    use super::Context;

    /// The events of the console that mean stop: its keys, and its window being closed.
    pub struct StopSignals {
        ctrl_c: CtrlC,
        ctrl_break: CtrlBreak,
        ctrl_close: CtrlClose,
    }

    impl StopSignals {
        /// Listens to them from now on.
        pub fn new() -> anyhow::Result<Self> {
            let listen = || Ok::<_, std::io::Error>(Self { ctrl_c: ctrl_c()?, ctrl_break: ctrl_break()?, ctrl_close: ctrl_close()? });
            listen().context("cannot listen to the console")
        }

        /// Waits for one of them.
        pub async fn wait(&mut self) {
            tokio::select! {
                _ = self.ctrl_c.recv() => {}
                _ = self.ctrl_break.recv() => {}
                _ = self.ctrl_close.recv() => {}
            }
        }
    }
}
