//! A man page of a command line: all subcommands on one page, so that `man NAME` has everything.

use std::io;

use clap::Command;
use clap_mangen::Man;

use crate::roff;

/// Where a page stands in the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// 1: programs for everybody.
    User,
    /// 8: programs for who runs the machine.
    Administrator,
}

impl Section {
    /// Its number.
    pub fn digit(self) -> char {
        match self {
            Self::User => '1',
            Self::Administrator => '8',
        }
    }
}

/// What a page is made of.
pub struct Page {
    /// The program's command line.
    pub command: Command,
    /// Where it belongs.
    pub section: Section,
    /// What comes after the generated part, as roff.
    pub tail: &'static str,
}

impl Page {
    /// The page, as roff.
    pub fn render(&self) -> io::Result<Vec<u8>> {
        let mut command = self.command.clone().disable_help_subcommand(true).mut_subcommands(without_help);
        command.build();
        let name = command.get_name().to_owned();
        let subcommands: Vec<Command> = reachable(&command);
        let mut page = title(&name.to_uppercase(), self.section.digit());
        page += ".SH NAME\n";
        page += roff::text(&name).trim_end();
        page += " \\- ";
        page += &roff::text(&summary(&command));
        page += ".SH SYNOPSIS\n";
        if !command.is_subcommand_required_set() {
            page += &synopsis(&command)?;
        }
        for subcommand in &subcommands {
            page += ".br\n";
            page += &synopsis(subcommand)?;
        }
        page += ".SH DESCRIPTION\n";
        page += &description(&command);
        page += &options(&command, ".SH")?;
        if !subcommands.is_empty() {
            page += ".SH COMMANDS\n";
        }
        for subcommand in &subcommands {
            page += &roff::call("SS", subcommand.get_bin_name().unwrap_or(subcommand.get_name()));
            page += &description(subcommand);
            page += &options(subcommand, ".PP\n.B")?;
            page += &after(subcommand, ".PP\n");
        }
        page += &after(&command, ".SH NOTES\n");
        page += self.tail;
        Ok(page.into_bytes())
    }
}

/// The first line of each page.
pub fn title(name: &str, section: char) -> String {
    format!(".TH {} {section} \"\" \"openwsn\\-lbr {}\" \"OpenWSN border router\"\n", name, env!("CARGO_PKG_VERSION"))
}

/// All subcommands that can be called, to any depth.
fn reachable(command: &Command) -> Vec<Command> {
    let shown = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    shown
        .flat_map(|subcommand| {
            let deeper = reachable(subcommand);
            if subcommand.is_subcommand_required_set() { deeper } else { [vec![subcommand.clone()], deeper].concat() }
        })
        .collect()
}

/// What the main command says of `--help` is true of each.
fn without_help(command: Command) -> Command {
    command.disable_help_flag(true).disable_help_subcommand(true).mut_subcommands(without_help)
}

/// In one line, as whatis(1) wants it.
fn summary(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut letters = about.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn description(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let paragraphs = about.trim_end().split("\n\n").map(|paragraph| roff::text(&(paragraph.trim_end_matches('.').to_owned() + ".")));
    paragraphs.collect::<Vec<_>>().join(".PP\n")
}

fn synopsis(command: &Command) -> io::Result<String> {
    let all = rendered(|out| Man::new(command.clone()).render_synopsis_section(out))?;
    Ok(without_heading(&all))
}

/// The options. Only the main command's are a section.
fn options(command: &Command, heading: &str) -> io::Result<String> {
    if command.get_arguments().all(clap::Arg::is_hide_set) {
        return Ok(String::new());
    }
    let all = rendered(|out| Man::new(command.clone()).render_options_section(out))?;
    if heading == ".SH" { Ok(all) } else { Ok(without_heading(&all).replace(".SH", heading)) }
}

fn after(command: &Command, heading: &str) -> String {
    match command.get_after_long_help().or(command.get_after_help()) {
        Some(text) => heading.to_owned() + &roff::literal(&text.to_string()),
        None => String::new(),
    }
}

fn rendered(render: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<String> {
    let mut bytes = Vec::new();
    render(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Without the preamble and the first heading, which are there once already.
fn without_heading(roff: &str) -> String {
    let lines = roff.lines().skip_while(|line| !line.starts_with(".SH")).skip(1);
    lines.map(|line| line.to_owned() + "\n").collect()
}
