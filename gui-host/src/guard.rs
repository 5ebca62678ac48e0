//! A process between the host and each `ssh`, so that no `ssh` outlives its host, however that ends.
//!
//! A host that is killed cannot end what it has started, and an `ssh` that is left over holds the router's port: the
//! next host would be refused there for ever. So the host starts `ssh` through this, and keeps the other end of
//! the guard's standard input. Nothing is ever written there; its end says that nobody wants the program any more.

use std::{
    ffi::OsString,
    io::{self, Write},
    process::{ExitCode, ExitStatus, Stdio},
};

use clap::Args;
use tokio::{
    io::{AsyncReadExt, stdin},
    process::Command,
    runtime,
};

/// The verb under which the host starts itself as a guard.
pub const VERB: &str = "guard";

/// The line on the guard's standard output once the program runs; any other line says why it does not.
pub const STARTED: &str = "started";

/// Exit status for a program that was killed by a signal.
pub const KILLED: u8 = 128;

/// Exit status for a program that could not be started, as in `sysexits.h`.
const UNAVAILABLE: u8 = 69;

/// What is to be run.
#[derive(Debug, Args)]
pub struct GuardOptions {
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Runs the program until it ends, or standard input does; gives its exit status.
pub fn run(options: &GuardOptions) -> ExitCode {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::from(UNAVAILABLE);
    };
    let (program, arguments) = options.command.split_first().expect("clap requires a program");
    let code = runtime.block_on(guard(program, arguments));
    // The thread that waits for the end of standard input would be waited for.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn guard(program: &OsString, arguments: &[OsString]) -> u8 {
    // Standard error is the program's own: what it says there goes to the host as it is.
    let started = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            tell(&format!("cannot start {}: {error}; install OpenSSH's client, or name it with --ssh PROGRAM", program.to_string_lossy()));
            return UNAVAILABLE;
        }
    };
    tell(STARTED);
    tokio::select! {
        status = child.wait() => status.map_or(UNAVAILABLE, code),
        () = abandoned() => {
            // It has ended already if this fails.
            let _ = child.kill().await;
            KILLED
        }
    }
}

/// Waits until the host has let go of its end of standard input.
async fn abandoned() {
    let mut byte = [0];
    while matches!(stdin().read(&mut byte).await, Ok(1)) {}
}

fn code(status: ExitStatus) -> u8 {
    // A status that does not fit is one of Windows', and a failure.
    status.code().map_or(KILLED, |code| u8::try_from(code).unwrap_or(u8::MAX))
}

fn tell(line: &str) {
    // A host that is gone is noticed on standard input.
    let _ = writeln!(io::stdout(), "{line}");
}
