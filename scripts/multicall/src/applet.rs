//! The programs that are in the one binary, as data.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// A program of the border router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applet {
    /// Owns the serial ports.
    SerialBridge,
    /// Owns the mote model.
    Eventbus,
    /// Owns the link to the GUI.
    UiProxy,
    /// Shows what is going on between them.
    MqInspect,
}

impl Applet {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SerialBridge, Self::Eventbus, Self::UiProxy, Self::MqInspect];

    /// The name that it is called by.
    pub fn name(self) -> &'static str {
        match self {
            Self::SerialBridge => "serial-bridge",
            Self::Eventbus => "eventbus",
            Self::UiProxy => "ui-proxy",
            Self::MqInspect => "mq-inspect",
        }
    }

    /// The one that a path or a name means, by its last part.
    pub fn called(path: &OsStr) -> Option<Self> {
        let name = Path::new(path).file_name()?;
        Self::ALL.into_iter().find(|applet| name == applet.name())
    }

    /// Runs it with these arguments, the first of which is its name.
    pub fn run(self, args: Vec<OsString>) -> ExitCode {
        match self {
            Self::SerialBridge => serial_bridge::run(args),
            Self::Eventbus => eventbus::run(args),
            Self::UiProxy => ui_proxy::run(args),
            Self::MqInspect => eventbus::inspect::run(args),
        }
    }

    /// Its command line.
    pub fn command(self) -> clap::Command {
        match self {
            Self::SerialBridge => serial_bridge::command(),
            Self::Eventbus => eventbus::command(),
            Self::UiProxy => ui_proxy::command(),
            Self::MqInspect => eventbus::inspect::command(),
        }
    }
}
