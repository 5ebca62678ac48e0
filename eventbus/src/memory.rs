//! The model over a restart: a file on tmpfs, aged like what it holds.
//!
//! It holds the same messages as a snapshot does. Times in it are of `CLOCK_MONOTONIC`, so it counts
//! only within one run of the kernel. What it misses, the motes tell again within their next rounds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::process::Identity;
use mqtypes::broker::Notification;
use mqtypes::codec;
use mqtypes::envelope::Envelope;
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;
use mqtypes::serial::SerialNotification;

use crate::lasting::{self, Survives};
use crate::mesh::Mesh;
use crate::model::Model;

/// A killed process forgets no more than this; a full round of a mote's tables takes 39 s.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// No model is larger: some 300 motes take one megabyte.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Random at each start of the kernel, random(4).
const KERNEL: &str = "/proc/sys/kernel/random/boot_id";

/// Each message has its length in front, little-endian.
const LENGTH: usize = 4;

/// What an earlier start of the process knew.
#[derive(Debug, Default)]
pub struct Recalled {
    /// The motes.
    pub model: Model,
    /// The DODAG.
    pub dag: Vec<DagEntry>,
}

/// Where the model is kept, and when it is written next.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    /// Which run of the kernel this is. Without it the file is neither read nor written: it may be of any.
    kernel: Option<String>,
    save_at: Option<Mono>,
}

impl Memory {
    /// A memory in this file; nothing is read or written yet.
    pub fn at(path: PathBuf) -> Self {
        let kernel = fs::read_to_string(KERNEL).inspect_err(|error| log::warn!("{KERNEL}: {error}: a restart forgets the motes"));
        Self::of_kernel(path, kernel.ok().map(|text| text.trim().to_owned()))
    }

    fn of_kernel(path: PathBuf, kernel: Option<String>) -> Self {
        Self { path, kernel, save_at: None }
    }

    /// What an earlier start of this process knew. A file that makes no sense is told of, and costs only itself.
    pub fn recall(&self) -> Recalled {
        let mut recalled = Recalled::default();
        let Some(kernel) = &self.kernel else { return recalled };
        match read(&self.path) {
            Ok(None) => {}
            Ok(Some(content)) => match content.strip_prefix(kernel.as_bytes()) {
                Some(messages) => self.restore(&mut recalled, messages),
                None => log::info!("{}: of an earlier run of the kernel: not used", self.path.display()),
            },
            Err(error) => log::warn!("{}: {error}: the motes are learnt anew", self.path.display()),
        }
        recalled
    }

    /// `serial-bridge` says something: ports and frames change what is kept.
    pub fn handle_serial(&mut self, now: Mono, notification: &SerialNotification) {
        match notification {
            SerialNotification::Port(_) | SerialNotification::Frame(_) => self.handle_change(now),
            SerialNotification::Write(_)
            | SerialNotification::Health(_)
            | SerialNotification::Lost { .. }
            | SerialNotification::Bytes(_) => {}
        }
    }

    fn handle_change(&mut self, now: Mono) {
        if self.kernel.is_some() {
            self.save_at.get_or_insert(now.after(SAVE_EVERY));
        }
    }

    /// Writes the model when it is time.
    pub fn handle_timeout(&mut self, now: Mono, identity: &Identity, model: &Model, mesh: &Mesh) {
        if self.save_at.is_some_and(|at| at <= now) {
            self.save(now, identity, model, mesh);
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.save_at
    }

    /// Writes the model now.
    pub fn save(&mut self, now: Mono, identity: &Identity, model: &Model, mesh: &Mesh) {
        self.save_at = None;
        let Some(kernel) = &self.kernel else { return };
        let envelope = Envelope { sender: identity.sender, boot: identity.boot, seq: 0, sent: now };
        let mut content = kernel.clone().into_bytes();
        let dag = mesh.motes().filter_map(|mote| mesh.dag(mote)).map(Notification::Dag);
        for message in model.remember().chain(dag).filter_map(|notification| codec::encode(&envelope, &notification).ok()) {
            content.extend(u32::try_from(message.len()).unwrap_or(0).to_le_bytes());
            content.extend(message);
        }
        if let Err(error) = lasting::replace(&self.path, &content, Survives::Restart) {
            log::warn!("{}: {error}: a restart would forget the motes", self.path.display());
        }
    }

    fn restore(&self, recalled: &mut Recalled, mut messages: &[u8]) {
        while let Some((length, rest)) = messages.split_first_chunk::<LENGTH>() {
            let message = rest.split_at_checked(u32::from_le_bytes(*length) as usize);
            let decoded = message.and_then(|(message, _)| codec::decode::<Notification>(message).ok());
            let (Some((_, rest)), Some((_, notifications))) = (message, decoded) else {
                return log::warn!("{}: damaged, or of another version: what is behind that is learnt anew", self.path.display());
            };
            for notification in notifications {
                match notification {
                    Notification::Dag(entry) => recalled.dag.push(entry),
                    other => recalled.model.restore(other),
                }
            }
            messages = rest;
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.len() > LARGEST => Err(io::Error::other("longer than any model")),
        Ok(_) => fs::read(path).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::envelope::Sender;
    use mqtypes::ids::{Eui64, Generation, PortName};
    use mqtypes::mote::Link;
    use mqtypes::serial::{PortCounters, PortReport, PortState};
    use mqtypes::status::{Element, IdManager, MyDagRank};

    const START: Mono = Mono(5_000_000);
    const MOTE: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);

    fn port() -> PortName {
        PortName("usb0".to_owned())
    }

    fn known() -> Model {
        let mut model = Model::new();
        let state = PortState::Up;
        let counters = PortCounters::default();
        model.handle_port(START, &PortReport { port: port(), generation: Generation(1), state, since: START, baud: 115_200, counters });
        let index = model.handle_frame(START, &port(), Generation(1), Some(1));
        let id = IdManager { is_dag_root: true, pan_id: 0xcafe, id16: 1, eui64: MOTE, prefix: [0; 8] };
        let index = model.handle_element(START, index, Element::IdManager(id));
        model.handle_element(START, index, Element::MyDagRank(MyDagRank { rank: 256 }));
        model
    }

    fn dag_entry() -> DagEntry {
        DagEntry {
            mote: Eui64([2; 8]),
            root: MOTE,
            parents: vec![MOTE],
            dao_heard: Some(START),
            hops: Some(1),
            address: [0; 16],
            last_packet: START,
            packets: 3,
        }
    }

    #[test]
    fn a_model_survives_with_its_ages() {
        let directory = tempfile::tempdir().expect("made");
        let mut memory = Memory::at(directory.path().join("eventbus.model"));
        let before = known();
        let mut mesh = Mesh::new([0; 8]);
        mesh.restore(dag_entry());
        memory.save(START, &Identity::new(Sender::Eventbus), &before, &mesh);
        let Recalled { model: after, dag } = memory.recall();
        assert_eq!(dag, [dag_entry()]);
        let told = |model: &Model| model.remember().filter(|told| matches!(told, Notification::Status(_))).collect::<Vec<_>>();
        assert_eq!(told(&after), told(&before));
        let entry = after.by_eui(MOTE).and_then(|index| after.entry(index)).expect("known");
        assert_eq!((entry.port, entry.last_heard, entry.dagroot), (Some(port()), Some(START), Some(true)));
        assert_eq!(entry.link, Link::Down, "until its port is reported");
    }

    #[test]
    fn a_damaged_or_foreign_file_costs_only_itself() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("eventbus.model");
        let mut memory = Memory::at(path.clone());
        memory.save(START, &Identity::new(Sender::Eventbus), &known(), &Mesh::new([0; 8]));
        let whole = fs::read(&path).expect("there");
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).expect("written");
            memory.recall();
        }
        fs::write(&path, b"of another kernel").expect("written");
        assert_eq!(memory.recall().model.indexes().count(), 0);
    }

    #[test]
    fn without_an_id_of_the_kernel_nothing_is_kept_or_believed() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("eventbus.model");
        Memory::at(path.clone()).save(START, &Identity::new(Sender::Eventbus), &known(), &Mesh::new([0; 8]));
        let before = fs::read(&path).expect("there");
        let mut memory = Memory::of_kernel(path.clone(), None);
        assert_eq!(memory.recall().model.indexes().count(), 0);
        memory.handle_change(START);
        assert_eq!(memory.poll_timeout(), None);
        memory.save(START, &Identity::new(Sender::Eventbus), &Model::new(), &Mesh::new([0; 8]));
        assert_eq!(fs::read(&path).expect("there"), before);
    }

    #[test]
    fn nothing_is_written_while_nothing_changes() {
        let mut memory = Memory::at(PathBuf::from("/nonexistent/model"));
        assert_eq!(memory.poll_timeout(), None);
        memory.handle_serial(START, &SerialNotification::Lost { frames: 1 });
        assert_eq!(memory.poll_timeout(), None);
        memory.handle_change(START);
        memory.handle_change(START.after(SAVE_EVERY));
        assert_eq!(memory.poll_timeout(), Some(START.after(SAVE_EVERY)));
    }
}
