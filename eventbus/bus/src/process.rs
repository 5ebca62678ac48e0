//! What every process of the router does first and last.

use std::io;
use std::process::ExitCode;

use mqtypes::envelope::Sender;
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;

use crate::notify::{State, Supervisor};
use crate::queue::QueueError;
use crate::signals::{self, Signals};
use crate::{clock, logging};

/// Who we are in every message we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Which process.
    pub sender: Sender,
    /// Which start of it.
    pub boot: BootId,
    /// When it started.
    pub started: Mono,
}

impl Identity {
    /// A new start of `sender`.
    pub fn new(sender: Sender) -> Self {
        let boot = getrandom::u32().unwrap_or_else(|_| std::process::id());
        Self { sender, boot: BootId(boot), started: clock::now() }
    }
}

/// A running process: its signals are blocked and its log goes to standard error.
#[derive(Debug)]
pub struct Process {
    /// Who we are.
    pub identity: Identity,
}

impl Process {
    /// The signals, as a descriptor for the reactor.
    pub fn signals(&self) -> io::Result<Signals> {
        Signals::open()
    }

    /// Says, to people and to the supervisor, that everything is open and the work begins.
    pub fn ready(&self, instance: &str) {
        log::info!("instance {instance}: ready");
        tell_supervisor(State::Ready);
    }
}

/// Why a process ends, by class: whoever started it can tell what to do from the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or a file of the person's is wrong. Exit code 78, `EX_CONFIG`.
    #[error("{0}")]
    Configuration(String),
    /// The machine lacks something, or somebody else has it. Exit code 69, `EX_UNAVAILABLE`.
    #[error("{0}")]
    Environment(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl Failure {
    /// The exit code of the class.
    pub fn code(&self) -> u8 {
        match self {
            Self::Configuration(_) => 78,
            Self::Environment(_) => 69,
        }
    }
}

/// Has the configuration read again and what is new in it done. The supervisor is told when that begins and when it is over.
pub fn reload<T>(body: impl FnOnce() -> T) -> T {
    tell_supervisor(State::Reloading(clock::now()));
    let done = body();
    tell_supervisor(State::Ready);
    done
}

fn tell_supervisor(state: State) {
    if let Some(supervisor) = Supervisor::from_environment() {
        supervisor.tell(state);
    }
}

/// Runs a process: blocks its signals, opens its log, and turns its end into an exit code.
pub fn run(sender: Sender, level: log::LevelFilter, body: impl FnOnce(&Process) -> Result<(), Failure>) -> ExitCode {
    let blocked = signals::block();
    logging::start(sender, level);
    let process = Process { identity: Identity::new(sender) };
    let end = blocked.map_err(Failure::from).and_then(|()| body(&process));
    tell_supervisor(State::Stopping);
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}
