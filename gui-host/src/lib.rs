//! The reference GUI host, on a person's PC: it takes the links of border routers and serves the
//! page to browsers.
//!
//! Two listeners on loopback addresses, a pure hub between them, and for each `--lbr` target an
//! `ssh` that brings the router here. It shares no code with the router: what they say to each
//! other is the contract.
//!
//! | part | what it does |
//! |---|---|
//! | `link` | `/lbr`: handshake, messages of routers |
//! | `web` | the page and its WebSocket; `web::rpc` is the home of the browser protocol |
//! | `wslink` | the same for stock wslink clients; the home of that protocol |
//! | `hub` | last values, who is told what; pure |
//! | `tunnel`, `ssh` | the way to a router: the state machine, and its processes |
//! | `json_lines` | `--json` |

mod cli;
mod clock;
mod failure;
mod hall;
mod hub;
mod json_lines;
mod key;
mod link;
mod loopback;
mod proof;
mod pulse;
mod random;
mod shell;
mod socket;
mod ssh;
mod target;
mod terminal;
mod tunnel;
mod web;
mod wslink;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::interval,
};

use crate::{
    cli::{Auth, DEFAULT_LINK_PORT, KeygenOptions, ServeOptions, Task},
    clock::Now,
    failure::Failure,
    hall::Hall,
    hub::{Hub, Settings, TargetSettings},
    json_lines::Printer,
    key::Key,
    link::{Link, Refusals, handshake::Authentication},
    loopback::Bound,
    ssh::Ssh,
    web::{Token, Web},
};

/// How often the hub looks for links that have become stale.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs the program with its arguments, the first of which is its name.
///
/// Exit status: 0 when it was told to stop, 2 for the command line, 78 for the configuration, 69
/// for the environment.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = match cli::parse(arguments) {
        Err(error) => Err(Failure::Usage(error)),
        Ok(Task::Keygen(options)) => keygen(options),
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
    Key::make(&path).map_err(configuration)?;
    let text =
        format!("wrote {} (32 random bytes, mode 0600)\nput the same key on the router:\n  {}\n", path.display(), key::copy_command(&path));
    io::stdout().write_all(text.as_bytes()).context("cannot print").map_err(Failure::Environment)
}

fn serve(options: ServeOptions) -> Result<(), Failure> {
    let authentication = authentication(&options)?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the threads")
        .map_err(Failure::Environment)?;
    let done = runtime.block_on(host(options, authentication)).map_err(Failure::Environment);
    // A thread that waits for a line on standard input would be waited for.
    runtime.shutdown_background();
    done
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
async fn host(options: ServeOptions, authentication: Authentication) -> anyhow::Result<()> {
    let mut stop = StopSignals::new()?;
    let doors = Doors::bind(&options).await?;
    let remote_port = options.remote_port.unwrap_or(if options.lbr.is_empty() { doors.links[0].port } else { DEFAULT_LINK_PORT });
    let tunnels = tunnels(&options, &doors.links, remote_port);
    let hall = Hall::new(Hub::new(settings(&tunnels, &doors, remote_port)?, Now::read()));
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
    if let Some(bound) = doors.page {
        let token = Token::make()?;
        let (port, shown) = (bound.port, token.reveal().to_owned());
        web::serve(&mut tasks, bound, Web { hall: hall.clone(), token });
        terminal::line(format_args!("page: http://127.0.0.1:{port}/#t={shown}"));
    }
    for (index, ssh) in tunnels.into_iter().enumerate() {
        tasks.spawn(ssh::keep(ssh, index, hall.clone()));
    }
    if options.json {
        json_lines::read_commands(hall.clone());
    }
    tasks.spawn(look_for_stale_links(hall));

    tokio::select! {
        () = stop.wait() => {}
        () = unread(printer.as_ref()), if options.no_page => {}
    }
    // Every ssh is killed with the task that started it.
    tasks.shutdown().await;
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

async fn look_for_stale_links(hall: Arc<Hall>) {
    let mut look = interval(LOOK_EVERY);
    loop {
        look.tick().await;
        hall.tell(Hub::handle_timeout);
    }
}

/// Waits until nobody reads the lines on standard output any more.
async fn unread(printer: Option<&Printer>) {
    match printer {
        Some(printer) => printer.closed().await,
        None => std::future::pending().await,
    }
}

/// The signals that mean stop. A hang-up is not among them: it reaches every `ssh` too, and `nohup`
/// must be able to keep it away.
struct StopSignals([Signal; 2]);

impl StopSignals {
    fn new() -> anyhow::Result<Self> {
        let open = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self([open(SignalKind::interrupt())?, open(SignalKind::terminate())?]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}
