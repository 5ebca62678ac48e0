//! The event bus itself, without its queues: what comes in, what it means, and who is to know.

mod bytes;
mod data;
mod known;

use std::collections::BTreeSet;

use bus::process::Identity;
use bus::tally::Tally;
use data_encoding::HEXLOWER;
use mqtypes::broker::{Notification, Request, Topic};
use mqtypes::command::{Command, CommandOutcome, OutcomeState};
use mqtypes::envelope::Envelope;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{BootId, Eui64, WriteId};
use mqtypes::log::{Coded, MoteLog, Severity};
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;
use mqtypes::serial::{FrameToMote, PortReport, ReceivedFrame, SerialCommand, SerialNotification};
use mqtypes::status::Element;

use crate::broker::{Broker, StateKey, Taken};
use crate::commands::Commands;
use crate::counts::{CountKey, PortIndex, Signal};
use crate::frame::{Frame, FrameError, LogFrame, PrintfFrame};
use crate::mesh::Mesh;
use crate::model::{Change, Model, Mote, MoteIndex};

use bytes::Passing;
use known::Known;

/// `COMPONENT_OPENWSN` and `ERR_BOOTED`: a mote's first words after a start.
const BOOTED: (u8, u8) = (0x01, 0x4f);

/// Of a frame that makes no sense so many bytes are shown.
const MOST_SHOWN: usize = 256;

/// So many values may wait for anybody; beyond, the model's size decides.
const FEW_VALUES: usize = 4096;

/// Everything that `eventbus` knows and has to do.
pub struct Hub {
    identity: Identity,
    known: Known,
    commands: Commands,
    broker: Broker,
    /// Motes that were told of as known through the mesh alone.
    cableless: BTreeSet<Eui64>,
    questions: BTreeSet<Question>,
    passing: Passing,
    /// The start of `serial-bridge` that spoke last.
    bridge: Option<BootId>,
    tally: Tally,
}

/// Something to ask of `serial-bridge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// How is every port?
    Ports,
    /// What are your figures?
    Health,
    /// What crosses the lines, from now on or no longer?
    Bytes,
}

impl Hub {
    /// A hub that knows of no mote yet.
    pub fn new(identity: Identity, model: Model, commands: Commands) -> Self {
        Self {
            identity,
            known: Known::new(model, Mesh::new(commands.prefix())),
            commands,
            broker: Broker::default(),
            cableless: BTreeSet::new(),
            questions: BTreeSet::new(),
            passing: Passing::Off,
            bridge: None,
            tally: Tally::default(),
        }
    }

    /// What an earlier start knew of the motes behind the roots.
    pub fn restore_mesh(&mut self, dag: Vec<DagEntry>) {
        for entry in dag {
            let mote = entry.mote;
            self.known.mesh.restore(entry);
            self.settle_cable(mote);
        }
    }

    /// We have started: ask for what was reported before, and let `ui-proxy` subscribe again.
    pub fn handle_start(&mut self, now: Mono) {
        self.questions.insert(Question::Ports);
        self.broker.announce_start(now, self.identity.boot, mqtypes::queues::UI_PROXY.spec.name);
    }

    /// `serial-bridge` says something.
    pub fn handle_serial(&mut self, now: Mono, envelope: &Envelope, notification: SerialNotification) {
        if self.bridge.replace(envelope.boot) != Some(envelope.boot) {
            self.known.model.handle_bridge_start(now);
            self.ask_for_bytes_again();
        }
        match notification {
            // One clock for all: what claims to be of a later moment would keep others from being looked at before then.
            SerialNotification::Port(report) => self.handle_port(now, envelope, &PortReport { since: report.since.min(now), ..report }),
            SerialNotification::Frame(frame) => self.handle_frame(now, &ReceivedFrame { heard: frame.heard.min(now), ..frame }),
            SerialNotification::Write(report) => self.commands.handle_write(now, &report, &self.known.model),
            SerialNotification::Health(health) => self.handle_health(health),
            SerialNotification::Lost { frames } => {
                let key = self.known.counts.count_lost(frames);
                self.broker.mark(&StateKey::Count(key));
                log::warn!("serial-bridge could not hand over {frames} frames in time");
            }
            SerialNotification::Bytes(piece) => self.handle_bytes(now, piece),
        }
    }

    /// A member of the bus asks for something.
    pub fn handle_request(&mut self, now: Mono, envelope: &Envelope, request: Request) {
        match request {
            Request::Subscribe(wish) => match self.broker.subscribe(now, envelope.boot, &wish) {
                Taken::New => {
                    log::info!("{}: {} subscribes", wish.reply, envelope.sender);
                    self.broker.snapshot(&wish.reply, self.known.keys());
                }
                Taken::Renewed => {}
                Taken::Refused => self.refuse("subscription-refused", &wish.reply),
            },
            Request::Unsubscribe { reply } => self.broker.unsubscribe(envelope.boot, &reply),
            Request::Command(command) => self.handle_command(now, envelope, &command),
            Request::AskHealth => {
                self.questions.extend([Question::Health, Question::Ports]);
            }
        }
        self.settle_passing(now);
    }

    /// A process's figures, ours too.
    pub fn handle_health(&mut self, health: ProcessHealth) {
        let process = health.process;
        self.known.health.insert(process, health);
        self.broker.mark(&StateKey::Health(process));
    }

    /// Deadlines have passed.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.known.model.handle_timeout(now);
        self.known.mesh.handle_timeout(now);
        self.commands.handle_timeout(now, &self.known.model);
        self.broker.handle_timeout(now);
        self.settle_passing(now);
    }

    /// There was no room on the way to `serial-bridge`.
    pub fn handle_no_room(&mut self, now: Mono, id: WriteId) {
        self.tally.add("serial-bridge-busy", 1);
        self.commands.handle_no_room(now, id, &self.known.model);
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let known = [self.known.model.poll_timeout(), self.known.mesh.poll_timeout()];
        let told = [self.commands.poll_timeout(), self.broker.poll_timeout(), self.passing.poll_timeout()];
        known.into_iter().chain(told).flatten().min()
    }

    /// The next frame for a mote.
    pub fn poll_write(&mut self) -> Option<FrameToMote> {
        let frame = self.commands.poll_write()?;
        let port = self.known.counts.port(&frame.port);
        self.count(port, Signal::ToMote);
        Some(frame)
    }

    /// What to ask of `serial-bridge`. Asking twice is asking once; who asks for its figures wants ours too.
    pub fn take_questions(&mut self) -> BTreeSet<Question> {
        std::mem::take(&mut self.questions)
    }

    /// A question as the bus has it now.
    pub fn command(&self, question: Question) -> SerialCommand {
        match question {
            Question::Ports => SerialCommand::ReportPorts,
            Question::Health => SerialCommand::ReportHealth,
            Question::Bytes => SerialCommand::PassBytes { until: self.passing.until() },
        }
    }

    /// Everything that has changed goes to whoever wants it. Returns the broker and the look-up of newest values.
    pub fn settle(&mut self) -> (&mut Broker, impl Fn(&StateKey) -> Option<Notification>) {
        for change in self.known.model.take_changes() {
            self.broker.mark(&key_of(&change));
            if let Change::Entry(index) = change
                && let Some(eui) = self.known.model.mote(index).and_then(Mote::eui)
            {
                self.settle_cable(eui);
            }
        }
        self.settle_mesh();
        while let Some(reply) = self.commands.poll_reply() {
            if !self.broker.outcome(&reply.to, reply.outcome) {
                self.tally.count("outcome-undeliverable");
            }
        }
        self.shorten_mailboxes();
        let known = &self.known;
        (&mut self.broker, move |key: &StateKey| known.value(key))
    }

    /// The mesh, to be read.
    pub fn mesh(&self) -> &Mesh {
        &self.known.mesh
    }

    /// The model, to be read.
    pub fn model(&self) -> &Model {
        &self.known.model
    }

    /// The subscribers, to be read.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// What was refused or dropped here, by reason.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whoever does not read gets a fresh snapshot instead of the names of all that is gone.
    fn shorten_mailboxes(&mut self) {
        if self.broker.overgrown(FEW_VALUES).is_empty() {
            return;
        }
        let most = 2 * self.known.keys().count() + FEW_VALUES;
        for reply in self.broker.overgrown(most) {
            self.tally.add("mailbox-shortened", 1);
            self.broker.snapshot(&reply, self.known.keys());
        }
    }

    fn handle_port(&mut self, now: Mono, envelope: &Envelope, report: &PortReport) {
        self.known.model.handle_port(now, report);
        for key in self.known.counts.take_report(envelope.boot, report) {
            self.broker.mark(&StateKey::Count(key));
        }
        let port = self.known.counts.port(&report.port);
        self.known.ports.insert(port, report.clone());
        self.broker.mark(&StateKey::Port(port));
    }

    fn handle_frame(&mut self, now: Mono, received: &ReceivedFrame) {
        let port = self.known.counts.port(&received.port);
        if self.known.model.is_past(&received.port, received.generation) {
            return self.count(port, Signal::Stale);
        }
        match Frame::parse(&received.payload) {
            Ok(frame) => self.handle_meaning(now, port, received, frame),
            Err(error) => self.handle_unreadable(port, received, error),
        }
    }

    /// Whoever tries out firmware of their own must see what came, though we cannot tell what it means.
    fn handle_unreadable(&mut self, port: PortIndex, received: &ReceivedFrame, error: FrameError) {
        let index = self.known.model.handle_frame(received.heard, &received.port, received.generation, None);
        self.count(port, Signal::Unreadable(error.reason()));
        if self.tally.count(error.reason()) {
            log::warn!("{}: a frame with a right CRC makes no sense: {error}", received.port);
        }
        if self.broker.is_wanted(Topic::Logs) {
            let shown = &received.payload[..received.payload.len().min(MOST_SHOWN)];
            let more = if shown.len() < received.payload.len() { "…" } else { "" };
            let text = format!("{error}: {}{more}", HEXLOWER.encode(shown));
            let component = Coded { code: 0, name: "unreadable".to_owned() };
            let code = received.payload.first().copied().unwrap_or_default();
            let names = (component, Coded { code, name: error.reason().to_owned() });
            self.tell_log(index, received.heard, Severity::Warning, names, [0; 2], text);
        }
    }

    fn handle_meaning(&mut self, now: Mono, port: PortIndex, received: &ReceivedFrame, frame: Frame) {
        let index = self.known.model.handle_frame(received.heard, &received.port, received.generation, speaker(&frame));
        match frame {
            Frame::Status(status) => self.handle_status(now, port, received.heard, index, status.element),
            Frame::Log(log) => self.handle_log(now, port, received.heard, index, log),
            Frame::Data(data) => self.handle_data(now, port, received.heard, index, &data),
            Frame::Printf(printf) => self.handle_printf(port, received.heard, index, &printf),
            Frame::Sniffed(_) => self.count(port, Signal::Sniffed),
            Frame::LegacyAck { .. } | Frame::LegacyRequest => self.count(port, Signal::Legacy),
        }
    }

    fn handle_status(&mut self, now: Mono, port: PortIndex, heard: Mono, index: MoteIndex, element: Element) {
        self.count(port, Signal::Status);
        let told_role = if let Element::IdManager(id) = &element { Some(id.is_dag_root) } else { None };
        let index = self.known.model.handle_element(heard, index, element);
        if self.known.model.take_boot(index) {
            self.commands.handle_boot(now, index, &self.known.model);
        }
        let Some(role) = told_role else { return };
        if self.known.model.take_role_change(index) {
            self.count(port, Signal::InfoDagRoot);
        }
        self.commands.handle_role(now, index, role, &self.known.model);
    }

    fn handle_log(&mut self, now: Mono, port: PortIndex, heard: Mono, index: MoteIndex, log: LogFrame) {
        self.count(port, Signal::Error);
        self.count(port, Signal::Log(log.severity));
        if (log.component, log.code) == BOOTED {
            self.known.model.handle_boot(heard, index);
            self.commands.handle_boot(now, index, &self.known.model);
        }
        if self.broker.is_wanted(Topic::Logs) {
            let described = log.describe();
            let (component, error, args, text) = (described.component, described.error, described.args, described.text);
            self.tell_log(index, heard, log.severity, (component, error), args, text);
        }
    }

    fn handle_printf(&mut self, port: PortIndex, heard: Mono, index: MoteIndex, printf: &PrintfFrame) {
        self.count(port, Signal::Error);
        self.count(port, Signal::Log(Severity::Printf));
        if self.broker.is_wanted(Topic::Logs) {
            let none = || Coded { code: 0, name: String::new() };
            self.tell_log(index, heard, Severity::Printf, (none(), none()), [0; 2], printf.shown());
        }
    }

    fn tell_log(&mut self, index: MoteIndex, heard: Mono, severity: Severity, names: (Coded, Coded), args: [i32; 2], text: String) {
        let Some(mote) = self.known.model.mote(index) else { return };
        let bytes = text.len() + names.0.name.len() + names.1.name.len() + 64;
        let log = MoteLog { who: mote.who(), heard, severity, component: names.0, error: names.1, args, text };
        self.broker.event(Topic::Logs, &Notification::Log(log), bytes);
    }

    fn handle_command(&mut self, now: Mono, envelope: &Envelope, command: &Command) {
        if !self.broker.expect_outcome(now, envelope.boot, &command.reply, command.deadline) {
            return self.refuse("command-without-reply-queue", &command.reply);
        }
        if envelope.sent < self.identity.started {
            // It waited in the queue while nobody ran; who gave it has been told that it failed.
            let detail = "restarted: eventbus was not running when the command was given".to_owned();
            self.broker.outcome(&command.reply, CommandOutcome { id: command.id, state: OutcomeState::Failed, detail, echo: None });
            return;
        }
        let Some(index) = self.commands.handle_command(now, command, &self.known.model) else { return };
        let port = self.known.model.mote(index).and_then(|mote| mote.port()).map(|(port, _)| port.clone());
        if let Some(port) = port {
            let port = self.known.counts.port(&port);
            self.count(port, Signal::CmdToMote);
        }
    }

    fn refuse(&mut self, reason: &'static str, reply: &str) {
        if self.tally.count(reason) {
            log::warn!("{reason}: `{reply}` is no queue of a subscriber, or there are too many subscribers");
        }
    }

    fn count(&mut self, port: PortIndex, signal: Signal) {
        let key: CountKey = self.known.counts.count(port, signal);
        self.broker.mark(&StateKey::Count(key));
    }
}

/// Every frame but one bears the mote's 16-bit address.
fn speaker(frame: &Frame) -> Option<u16> {
    match frame {
        Frame::Status(status) => Some(status.id16),
        Frame::Log(log) => Some(log.id16),
        Frame::Data(data) => Some(data.id16),
        Frame::Printf(printf) => Some(printf.id16),
        Frame::Sniffed(sniffed) => Some(sniffed.id16),
        Frame::LegacyAck { id16 } => Some(*id16),
        Frame::LegacyRequest => None,
    }
}

fn key_of(change: &Change) -> StateKey {
    match change {
        Change::Gone(who) => StateKey::Gone(who.clone()),
        Change::Entry(index) => StateKey::Entry(*index),
        Change::Element(index, slot) => StateKey::Element(*index, *slot),
        Change::Summary(index) => StateKey::Summary(*index),
    }
}
