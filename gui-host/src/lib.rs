//! The reference GUI host, on a person's PC: it takes the links of border routers and serves the
//! page to browsers.
//!
//! Two listeners on loopback addresses, a pure hub between them, and for each `--lbr` target an
//! `ssh` that brings the router here. It shares no code with the router's processes: what they say to
//! each other is the contract. Captures alone are made by a library of both, `lowpan`.
//!
//! | part | what it does |
//! |---|---|
//! | `link` | `/lbr`: handshake, messages of routers |
//! | `web` | the page and its WebSocket; `web::rpc` is the home of the browser protocol |
//! | `wslink` | the same for stock wslink clients; the home of that protocol |
//! | `hub` | last values, who is told what; pure |
//! | `history` | what was: sampled, kept in a database, asked for |
//! | `tunnel`, `ssh`, `keeper` | the way to a router: the state machine, the command lines, the processes |
//! | `guard` | what ends an `ssh` whose host is gone |
//! | `discover` | which routers there are on the local network |
//! | `capture` | packets for Wireshark |
//! | `metrics` | figures for Prometheus |
//! | `json_lines` | `--json` |

mod capture;
mod cli;
mod clock;
mod complaint;
mod discover;
mod failure;
mod guard;
mod hall;
mod history;
mod hub;
mod json_lines;
mod keeper;
mod key;
mod link;
mod loopback;
mod metrics;
mod open;
mod private_file;
mod proof;
mod pulse;
mod random;
mod secret;
mod shell;
mod socket;
mod ssh;
mod stop;
mod target;
mod terminal;
mod tunnel;
mod web;
mod wslink;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{runtime, task::JoinSet, time::interval};

use crate::{
    capture::page_file::{self, PageFile},
    cli::{Auth, DEFAULT_LINK_PORT, ExportOptions, KeygenOptions, ServeOptions, Task},
    clock::Now,
    failure::Failure,
    hall::Hall,
    history::{
        archive::{self, Archive},
        desk::Desk,
        export::Reader,
        store::{Store, StoreError},
    },
    hub::{Hub, Settings, TargetSettings},
    json_lines::Printer,
    key::Key,
    link::{Link, Refusals, handshake::Authentication},
    loopback::Bound,
    metrics::MetricsToken,
    ssh::Ssh,
    stop::StopSignals,
    web::{Token, Web},
};

/// How often the hub looks for links that have become stale, and samples history.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    <cli::Cli as clap::CommandFactory>::command()
}

/// Runs the program with its arguments, the first of which is its name.
///
/// Exit status: 0 when it was told to stop, 2 for the command line, 78 for the configuration, 69
/// for the environment.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = match cli::parse(arguments) {
        Err(error) => Err(Failure::Usage(error)),
        Ok(Task::Keygen(options)) => keygen(options),
        Ok(Task::Discover(options)) => discover::run(&options),
        Ok(Task::Capture(options)) => capture::client::run(&options),
        Ok(Task::Guard(options)) => return guard::run(&options),
        Ok(Task::Export(options)) => export(&options),
        Ok(Task::Serve(options)) => serve(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn keygen(options: KeygenOptions) -> Result<(), Failure> {
    let configuration = |error: key::KeyError| Failure::Configuration(error.into());
    let path = options.key_file.map_or_else(key::default_path, Ok).map_err(configuration)?;
    let done = match Key::make(&path) {
        Ok(()) => "wrote it (32 random bytes, for you alone)",
        // Routers may hold the same key.
        Err(key::KeyError::Exists(_)) => Key::read(&path).map(|_| "it is there already, and is kept").map_err(configuration)?,
        Err(error) => return Err(configuration(error)),
    };
    let text = format!("key file {}: {done}\n\n{}", path.display(), key::instructions(&path, DEFAULT_LINK_PORT));
    io::stdout().write_all(text.as_bytes()).context("cannot print").map_err(Failure::Environment)
}

fn serve(options: ServeOptions) -> Result<(), Failure> {
    let authentication = authentication(&options)?;
    let metrics_token = options.metrics_token.as_deref().map(MetricsToken::read).transpose();
    let metrics_token = metrics_token.map_err(|error| Failure::Configuration(error.into()))?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the threads")
        .map_err(Failure::Environment)?;
    let done = runtime.block_on(host(options, authentication, metrics_token)).map_err(Failure::Environment);
    // A thread that waits for a line on standard input would be waited for.
    runtime.shutdown_background();
    done
}

/// Writes what was kept to standard output.
fn export(options: &ExportOptions) -> Result<(), Failure> {
    let environment = |error: StoreError| Failure::Environment(anyhow::anyhow!("history: {error}"));
    let now = Now::read().unix_ms;
    let export = options.question(now).map_err(|error| Failure::Usage(cli::refusal(&error)))?;
    let path = options.history.clone().map_or_else(archive::default_path, Ok).map_err(environment)?;
    let store = Store::open_to_read(&path).map_err(environment)?;
    let mut failed = None;
    let mut output = io::stdout().lock();
    let written = history::export::write(&store, &export, |piece| match output.write_all(piece.as_bytes()) {
        Ok(()) => Reader::Reads,
        Err(error) => {
            failed = Some(error);
            Reader::Gone
        }
    });
    written.map_err(environment)?;
    match failed.or(output.flush().err()) {
        // Who has seen enough, such as `head`, closes the pipe.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Environment(error.into())),
        Some(_) | None => Ok(()),
    }
}

/// The archive, if history is kept in one and there is a place for it.
fn archive(options: &ServeOptions) -> Option<Archive> {
    if options.no_history {
        return None;
    }
    match options.history.clone().map_or_else(archive::default_path, Ok) {
        Ok(path) => Some(Archive::start(path, options.keep())),
        Err(error) => {
            terminal::line(format_args!("history: {error}; the host goes on without history"));
            None
        }
    }
}

fn authentication(options: &ServeOptions) -> Result<Authentication, Failure> {
    let configuration = |error: key::KeyError| Failure::Configuration(error.into());
    match options.auth {
        Auth::None => {
            terminal::line(format_args!("--auth none: any user of a router can pose as the router; for trying out only"));
            Ok(Authentication::None)
        }
        Auth::Key => {
            let path = options.key_file.clone();
            let path = path.map_or_else(key::default_path, Ok).map_err(configuration)?;
            Key::read(&path).map(Authentication::Key).map_err(configuration)
        }
    }
}

/// Serves until a signal says stop, or nobody reads any more.
async fn host(options: ServeOptions, authentication: Authentication, metrics_token: Option<MetricsToken>) -> anyhow::Result<()> {
    let mut stop = StopSignals::new()?;
    let doors = Doors::bind(&options).await?;
    let remote_port = options.remote_port.unwrap_or(if options.lbr.is_empty() { doors.links[0].port } else { DEFAULT_LINK_PORT });
    let tunnels = tunnels(&options, &doors.links, remote_port);
    let program = env::current_exe().context("cannot find this program's own file, which is needed to start ssh")?;
    let hall = Hall::new(Hub::new(settings(&tunnels, &doors, remote_port)?, Now::read()));
    let archive = archive(&options);
    let desk = Desk::new(archive.as_ref().map(|archive| archive.state().clone()));
    let printer = options.json.then(|| Printer::start(io::stdout()));
    let mut tasks = JoinSet::new();

    announce_link(&doors.links[0], remote_port);
    let refusals = Arc::new(Refusals::default());
    for (index, bound) in doors.links.into_iter().enumerate() {
        let link = Link {
            hall: hall.clone(),
            authentication: authentication.clone(),
            remote_port,
            printer: printer.clone(),
            target: (index < tunnels.len()).then_some(index),
            refusals: refusals.clone(),
        };
        link::serve(&mut tasks, bound, link);
    }
    // It goes with the host.
    let _page_file = match doors.page {
        Some(bound) => {
            let web = Web { hall: hall.clone(), token: Token::make()?, desk: desk.clone(), metrics_token };
            serve_page(&mut tasks, bound, web, &options)
        }
        None => None,
    };
    for (index, ssh) in tunnels.into_iter().enumerate() {
        tasks.spawn(keeper::keep(program.clone(), ssh, index, hall.clone()));
    }
    if options.json {
        json_lines::read_commands(hall.clone());
    }
    tasks.spawn(desk.answer_questions(hall.clone()));
    tasks.spawn(look_every_second(hall.clone(), archive.clone()));

    tokio::select! {
        () = stop.wait() => {}
        () = unread(printer.as_ref()), if options.no_page => {}
    }
    // Every ssh is ended with the task that started it.
    tasks.shutdown().await;
    if let Some(archive) = archive {
        archive.write(hall.ask(Hub::finish_history));
        archive.finish();
    }
    if let Some(printer) = printer {
        printer.finish();
    }
    Ok(())
}

/// The listeners. Each `--lbr` target has one for its router, so that the hub knows whose link came
/// through which tunnel; the first has the link port itself.
struct Doors {
    links: Vec<Bound>,
    page: Option<Bound>,
}

impl Doors {
    async fn bind(options: &ServeOptions) -> anyhow::Result<Self> {
        let mut links = vec![loopback::bind(options.link_port, "--link-port").await?];
        for _ in options.lbr.iter().skip(1) {
            links.push(loopback::bind(0, "--link-port").await?);
        }
        let page = if options.no_page { None } else { Some(loopback::bind(options.port, "--port").await?) };
        Ok(Self { links, page })
    }
}

/// Serves the page, and makes its address known.
fn serve_page(tasks: &mut JoinSet<()>, bound: Bound, web: Web, options: &ServeOptions) -> Option<PageFile> {
    let address = format!("http://127.0.0.1:{}/#t={}", bound.port, web.token.reveal());
    web::serve(tasks, bound, web);
    terminal::line(format_args!("page: {address}"));
    let file = page_file(options, &address);
    if options.open {
        open::page(&address);
    }
    file
}

/// Leaves the page's address where `gui-host capture` looks for it.
fn page_file(options: &ServeOptions, address: &str) -> Option<PageFile> {
    let path = options.page_file.clone().or_else(page_file::default_path)?;
    let written = PageFile::write(&path, address);
    written
        .inspect_err(|error| terminal::line(format_args!("page file {}: {error}; gui-host capture cannot find this host", path.display())))
        .ok()
}

fn tunnels(options: &ServeOptions, links: &[Bound], remote_port: u16) -> Vec<Ssh> {
    let ssh = |(target, bound): (&target::Target, &Bound)| Ssh {
        program: options.ssh.clone(),
        config: options.ssh_config.clone(),
        target: target.clone(),
        remote_port,
        link_port: bound.port,
        wake_command: options.wake_command.clone(),
    };
    options.lbr.iter().zip(links).map(ssh).collect()
}

fn settings(tunnels: &[Ssh], doors: &Doors, remote_port: u16) -> anyhow::Result<Settings> {
    let target = |ssh: &Ssh| TargetSettings { name: ssh.target.to_string(), commands: ssh.copy_commands() };
    Ok(Settings {
        targets: tunnels.iter().map(target).collect(),
        commands: ssh::placeholder_commands(remote_port, doors.links[0].port),
        command_tag: random::hex_128()?[..8].to_owned(),
    })
}

fn announce_link(bound: &Bound, remote_port: u16) {
    let port = bound.port;
    if remote_port == port {
        terminal::line(format_args!("link: 127.0.0.1:{port}"));
    } else {
        terminal::line(format_args!("link: 127.0.0.1:{port} (routers dial port {remote_port})"));
    }
}

/// Has the hub notice what only time changes, and archives what was sampled meanwhile.
async fn look_every_second(hall: Arc<Hall>, archive: Option<Archive>) {
    let mut look = interval(LOOK_EVERY);
    loop {
        look.tick().await;
        hall.tell(Hub::handle_timeout);
        let batch = hall.ask(Hub::take_batch);
        if let Some(archive) = &archive {
            archive.write(batch);
        }
    }
}

/// Waits until nobody reads the lines on standard output any more.
async fn unread(printer: Option<&Printer>) {
    match printer {
        Some(printer) => printer.closed().await,
        None => std::future::pending().await,
    }
}
