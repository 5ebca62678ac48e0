//! Writes what the packages say to people and shells: `lbr-manual LBR.TOML DIRECTORY`.
//!
//! Man pages and completions come from the command lines themselves, and `lbr.toml`'s page from the file that is installed,
//! so that neither can say anything else than the programs do. Nothing of this is in the router's binary.

mod configuration;
mod page;
mod roff;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap_complete::Shell;
use lbr::applet::Applet;

use page::{Page, Section};

/// What follows the generated part of each page: what no command line knows.
const SERIAL_BRIDGE: &str = include_str!("../../../man/serial-bridge.roff");
const EVENTBUS: &str = include_str!("../../../man/eventbus.roff");
const UI_PROXY: &str = include_str!("../../../man/ui-proxy.roff");
const MQ_INSPECT: &str = include_str!("../../../man/mq-inspect.roff");
const GUI_HOST: &str = include_str!("../../../man/gui-host.roff");

fn main() -> Result<()> {
    let [configuration, directory] = arguments()?;
    for applet in Applet::ALL {
        let (section, tail) = about(applet);
        write(&directory.join("router"), &Page { command: applet.command(), section, tail })?;
    }
    let page = directory.join("router/man/lbr.toml.5");
    let configuration = fs::read_to_string(&configuration).with_context(|| configuration.display().to_string())?;
    fs::write(&page, configuration::page(&configuration)).with_context(|| page.display().to_string())?;
    write(&directory.join("gui-host"), &Page { command: gui_host::command(), section: Section::User, tail: GUI_HOST })
}

fn arguments() -> Result<[PathBuf; 2]> {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    given.try_into().map_err(|_| anyhow!("usage: lbr-manual LBR.TOML DIRECTORY"))
}

fn about(applet: Applet) -> (Section, &'static str) {
    match applet {
        Applet::SerialBridge => (Section::Administrator, SERIAL_BRIDGE),
        Applet::Eventbus => (Section::Administrator, EVENTBUS),
        Applet::UiProxy => (Section::Administrator, UI_PROXY),
        Applet::MqInspect => (Section::User, MQ_INSPECT),
    }
}

fn write(directory: &Path, page: &Page) -> Result<()> {
    let (pages, completions) = (directory.join("man"), directory.join("completions"));
    for made in [&pages, &completions] {
        fs::create_dir_all(made).with_context(|| made.display().to_string())?;
    }
    let name = page.command.get_name().to_owned();
    let file = pages.join(format!("{name}.{}", page.section.digit()));
    fs::write(&file, page.render()?).with_context(|| file.display().to_string())?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut page.command.clone(), &name, &completions)
            .with_context(|| format!("{shell} completions of {name}"))?;
    }
    Ok(())
}
