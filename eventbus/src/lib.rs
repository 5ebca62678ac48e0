//! The event bus of the border router.
//!
//! It is the only process that knows what a mote's frames mean. It keeps the mote model and the event
//! counts, brokers them to whoever subscribes, and follows commands until a mote shows their effect.
//! It opens no device and no socket. The thinking is in [`hub::Hub`]; this file is wiring.

pub mod broker;
pub mod commands;
pub mod counts;
pub mod frame;
pub mod hub;
pub mod inspect;
mod lasting;
pub mod memory;
pub mod mesh;
pub mod model;
pub mod network;
mod options;
pub mod roles;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use bus::channel::{Channel, Destination};
use bus::config::Configuration;
use bus::inbox::{Drained, Inbox};
use bus::outbox::Bounds;
use bus::outlet::Outlet;
use bus::process::{self, Failure, Process};
use bus::reactor::{Reactor, Wake};
use bus::signals::Signal;
use bus::watchdog::Watchdog;
use bus::{clock, health};
use mqtypes::broker::Request;
use mqtypes::envelope::Sender;
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS, EVENTBUS_REQUESTS, SERIAL_BRIDGE, kernel_name};
use mqtypes::serial::{FrameToMote, SerialCommand, SerialNotification};

use commands::Commands;
use hub::{Hub, Question};
use memory::Memory;
use network::Network;
use options::Options;
use roles::WantedRoles;

/// Frames and questions that may wait for `serial-bridge`.
const TO_BRIDGE: Bounds = Bounds { entries: 64, bytes: 16 * 1024 };

/// Everything that wakes us.
#[derive(Debug, Clone, Copy)]
enum Source {
    Serial,
    Requests,
    RoomAtBridge,
    RoomAtSubscriber,
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    <Options as clap::CommandFactory>::command()
}

/// Runs the process until it is told to stop.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let configuration = match bus::config::begin::<Options>(args) {
        Ok(configuration) => configuration,
        Err(end) => return end,
    };
    let level = configuration.options().common.log_level;
    process::run(Sender::Eventbus, level, |process| Eventbus::new(process, configuration)?.serve(process))
}

struct Eventbus {
    identity: process::Identity,
    instance: String,
    reactor: Reactor<Source>,
    serial: Inbox<SerialNotification>,
    requests: Inbox<Request>,
    bridge: Outlet<Question, SerialCommand>,
    subscribers: BTreeMap<String, Channel>,
    hub: Hub,
    memory: Memory,
    configuration: Configuration<Options>,
    watchdog: Watchdog,
}

impl Eventbus {
    fn new(process: &Process, configuration: Configuration<Options>) -> Result<Self, Failure> {
        let options = configuration.options();
        let instance = options.common.instance.clone();
        let mut reactor = Reactor::new(process)?;
        // The inboxes come first: they tell whether another of us is running.
        let serial = Inbox::own(&instance, &EVENTBUS)?;
        let requests = Inbox::own(&instance, &EVENTBUS_REQUESTS)?;
        let memory = Memory::at(make_directory("--run-dir", &options.run_dir)?.join("eventbus.model"));
        let recalled = memory.recall();
        let mut hub = Hub::new(process.identity, recalled.model, load_commands(process.identity.boot, options)?);
        hub.restore_mesh(recalled.dag);
        serial.watch(&reactor.register(Source::Serial))?;
        requests.watch(&reactor.register(Source::Requests))?;
        let way = kernel_name(&instance, SERIAL_BRIDGE.spec.name);
        let bridge = Outlet::new(way, process.identity, reactor.register(Source::RoomAtBridge), TO_BRIDGE);
        Ok(Self {
            identity: process.identity,
            instance,
            reactor,
            serial,
            requests,
            bridge,
            subscribers: BTreeMap::new(),
            hub,
            memory,
            configuration,
            watchdog: Watchdog::from_environment(),
        })
    }

    fn serve(mut self, process: &Process) -> Result<(), Failure> {
        process.ready(&self.instance);
        self.hub.handle_start(clock::now());
        self.flush(clock::now());
        loop {
            match self.reactor.next(self.poll_timeout())? {
                Wake::Ready(Source::Serial) => self.drain_serial()?,
                Wake::Ready(Source::Requests) => self.drain_requests()?,
                Wake::Ready(Source::RoomAtBridge | Source::RoomAtSubscriber) | Wake::Signal(Signal::Wake) => {}
                Wake::Timeout => self.handle_timeout(clock::now()),
                Wake::Signal(Signal::Stop) => break,
                // What can be reloaded here is the log's level alone.
                Wake::Signal(Signal::Reload) => drop(process::reload(|| self.configuration.reload())),
            }
            if self.reactor.is_round_done() {
                self.flush(clock::now());
            }
            self.watchdog.handle_round(clock::now(), &self.serial);
        }
        self.memory.save(clock::now(), &self.identity, self.hub.model(), self.hub.mesh());
        Ok(())
    }

    fn handle_timeout(&mut self, now: Mono) {
        self.hub.handle_timeout(now);
        self.memory.handle_timeout(now, &self.identity, self.hub.model(), self.hub.mesh());
    }

    fn drain_serial(&mut self) -> Result<(), Failure> {
        let now = clock::now();
        let drained = self.serial.drain(|envelope, notification| {
            // Whoever speaks is there to be asked. The watchdog's pulse is nobody's word.
            self.bridge.peer_spoke();
            self.memory.handle_serial(now, &notification);
            self.hub.handle_serial(now, envelope, notification);
        })?;
        if drained == Drained::More {
            self.reactor.again(Source::Serial);
        }
        Ok(())
    }

    fn drain_requests(&mut self) -> Result<(), Failure> {
        let now = clock::now();
        let drained = self.requests.drain(|envelope, request| self.hub.handle_request(now, envelope, request))?;
        if drained == Drained::More {
            self.reactor.again(Source::Requests);
        }
        Ok(())
    }

    fn flush(&mut self, now: Mono) {
        for question in self.hub.take_questions() {
            if question == Question::Health {
                self.hub.handle_health(health::measure(&self.identity, self.serial.fill(), self.dropped()));
            }
            self.bridge.outbox().mark(question);
        }
        while let Some(frame) = self.hub.poll_write() {
            self.send_to_bridge(now, frame);
        }
        self.bridge.flush(now, |question| Some(self.hub.command(*question)));
        self.flush_subscribers(now);
    }

    fn send_to_bridge(&mut self, now: Mono, frame: FrameToMote) {
        let (id, bytes) = (frame.id, frame.payload.len() + frame.port.0.len() + 32);
        if self.bridge.outbox().push_command(SerialCommand::Write(frame), bytes).is_err() {
            self.hub.handle_no_room(now, id);
        }
    }

    fn flush_subscribers(&mut self, now: Mono) {
        let (broker, resolve) = self.hub.settle();
        self.subscribers.retain(|reply, channel| {
            let is_kept = broker.has(reply);
            if !is_kept {
                self.reactor.release(channel.registration());
            }
            is_kept
        });
        loop {
            for (reply, mailbox) in broker.waiting() {
                let channel = self.subscribers.entry(reply.clone()).or_insert_with(|| {
                    let registration = self.reactor.register(Source::RoomAtSubscriber);
                    Channel::new(kernel_name(&self.instance, reply), Destination::of_reply(reply), self.identity, registration)
                });
                channel.flush(mailbox, now, &resolve);
            }
            if !broker.has_more() {
                break;
            }
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        let waiting = self.subscribers.iter().filter(|(reply, _)| self.hub.broker().has_waiting(reply));
        let subscribers = waiting.filter_map(|(_, channel)| channel.look_again()).min();
        [self.hub.poll_timeout(), self.memory.poll_timeout(), self.bridge.poll_timeout(), subscribers, self.watchdog.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    fn dropped(&self) -> Vec<mqtypes::health::Dropped> {
        let mut dropped = self.serial.tally().dropped("eventbus.");
        dropped.extend(self.requests.tally().dropped("eventbus-requests."));
        dropped.extend(self.hub.tally().dropped(""));
        dropped.extend(self.hub.model().tally().dropped(""));
        dropped.extend(self.hub.mesh().tally().dropped(""));
        dropped.extend(self.bridge.tally().dropped("to-serial-bridge."));
        dropped
    }
}

fn load_commands(boot: BootId, options: &Options) -> Result<Commands, Failure> {
    let directory = make_directory("--state-dir", &options.state_dir)?;
    let network = Network::load(&directory.join("network"), options.prefix)?;
    let roles = WantedRoles::load(&directory.join("wanted-roles")).map_err(|error| Failure::Environment(error.to_string()))?;
    Ok(Commands::new(boot, network, roles))
}

fn make_directory<'a>(option: &str, directory: &'a Path) -> Result<&'a Path, Failure> {
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::Environment(format!("{option} {}: {error}; name a directory that we may write to", directory.display()))
    })?;
    Ok(directory)
}
