//! The database file: opened, checked, written to and kept small. Blocking; only threads that may
//! wait use it.
//!
//! Rows are kept together by ten minutes of time, so that what is old goes in one piece and what is
//! new is written in one place. A file of another program, or of a newer version, is never touched.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};

use super::record::{COUNT, Columns, Event, Fact, Record, Repeat, SAME_TIME};
use crate::private_file;

/// Marks our files ("OWLH"), and the version of the tables.
const APPLICATION: i64 = 0x4F57_4C48;
/// See [`APPLICATION`]. A program that knows a later one must bring older files to it.
pub const VERSION: i64 = 1;

/// Rows of as many milliseconds are kept together.
pub const SLOT: u64 = 10 * 60 * 1000;

/// Longest wait for another program that uses the file.
const BUSY: Duration = Duration::from_secs(2);

/// Rows that one step of retention deletes, and how long all steps of one turn may take.
const DELETED_AT_ONCE: u32 = 5000;
const RETENTION_TURN: Duration = Duration::from_millis(200);

/// Pages that are given back to the file system at a time; a page has 4 KiB.
const GIVEN_BACK_AT_ONCE: u32 = 512;

/// Least pages of a file at which `SQLite` itself refuses to grow it; retention keeps it far below.
const LEAST_PAGES: u64 = 256;

/// Ids of series that are remembered.
const MAX_IDS: usize = 65_536;

/// Version 1. `mote`, `name` and `detail` are empty where there is none: null is never equal to null.
const TABLES: &str = "
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, lbr TEXT NOT NULL, mote TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL,
        last_slot INTEGER NOT NULL, UNIQUE (lbr, mote, kind, name, detail)
    );
    CREATE TABLE sample (
        slot INTEGER NOT NULL, series INTEGER NOT NULL, t INTEGER NOT NULL, value REAL NOT NULL, whole REAL,
        PRIMARY KEY (slot, series, t)
    ) WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, series INTEGER NOT NULL, t INTEGER NOT NULL,
        name TEXT NOT NULL, detail TEXT NOT NULL, value REAL, text TEXT NOT NULL
    );
    CREATE INDEX event_by_slot ON event (slot);
    CREATE INDEX event_by_series ON event (series, t);
";

/// What is wrong with the database, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Neither `XDG_DATA_HOME` nor `HOME` is set, or on Windows `LOCALAPPDATA`.
    #[error("no place for it: neither XDG_DATA_HOME nor HOME (on Windows LOCALAPPDATA) is set; name a file with --history FILE")]
    NoHome,
    /// There is none to read.
    #[error("{0}: there is no such file; gui-host writes one while it runs; name another with --history FILE")]
    Missing(PathBuf),
    /// Its folder cannot be made.
    #[error("{0}: the folder cannot be made: {1}; name another file with --history FILE")]
    Folder(PathBuf, #[source] io::Error),
    /// Another program's.
    #[error("{0}: it is no history of gui-host, and is left alone; name another file with --history FILE")]
    Foreign(PathBuf),
    /// A later version's.
    #[error(
        "{path}: a newer gui-host wrote it (version {found}, this one knows {VERSION}); update gui-host, or name another file with --history FILE"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Not a database any more.
    #[error("{0}: it is damaged ({1}); move it away and a new one is begun, or name another with --history FILE")]
    Damaged(PathBuf, String),
    /// Somebody else has it.
    #[error("{0}: another program keeps it locked; end that program, or name another file with --history FILE")]
    Locked(PathBuf),
    /// The disk, or the bound of the file, is reached.
    #[error("{0}: there is no room to write ({1})")]
    Full(PathBuf, String),
    /// The system refuses.
    #[error("{0}: it cannot be opened or written ({1}); check its permissions, or name another file with --history FILE")]
    System(PathBuf, String),
    /// Reading took too long.
    #[error("reading takes too long; ask for less time at once")]
    TooLong,
}

impl StoreError {
    /// Whether the same file may be written to later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Locked(_) | Self::Full(..) | Self::System(..) | Self::TooLong => true,
            Self::NoHome | Self::Missing(_) | Self::Folder(..) | Self::Foreign(_) | Self::Newer { .. } | Self::Damaged(..) => false,
        }
    }
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Nothing older, milliseconds.
    pub age: u64,
    /// No more than about as many bytes.
    pub bytes: u64,
}

/// A database that is open.
pub struct Store {
    db: Connection,
    path: PathBuf,
    ids: HashMap<SeriesName, Known>,
}

type SeriesName = (Arc<str>, Option<Arc<str>>, &'static str, Arc<str>, Arc<str>);

#[derive(Clone, Copy)]
struct Known {
    id: i64,
    last_slot: u64,
}

impl Store {
    /// Opens the file to write to it, and makes it if there is none.
    pub fn open(path: &Path, keep: Keep) -> Result<Self, StoreError> {
        make_file(path)?;
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        store.prepare(keep).map_err(|error| explain(path, &error))??;
        Ok(store)
    }

    /// Opens the file to read it.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        store.check_version().map_err(|error| explain(path, &error))??;
        Ok(store)
    }

    fn connect(path: &Path, access: OpenFlags) -> Result<Self, StoreError> {
        // Not as a URI: a file may have any name.
        let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|error| explain(path, &error))?;
        db.busy_timeout(BUSY).map_err(|error| explain(path, &error))?;
        Ok(Self { db, path: path.to_owned(), ids: HashMap::new() })
    }

    fn prepare(&self, keep: Keep) -> rusqlite::Result<Result<(), StoreError>> {
        let db = &self.db;
        let is_empty = db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
        if is_empty {
            // Before the first table: it cannot be changed later without copying the file.
            db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;")?;
            db.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
        } else if let Err(error) = self.check_version()? {
            return Ok(Err(error));
        }
        // A power cut may cost the last seconds, and nothing else.
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304;")?;
        let page: u64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let most = (keep.bytes.saturating_add(keep.bytes / 4) / page).max(LEAST_PAGES);
        db.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(()))?;
        // Now rather than with the first batch: whether it can be written at all.
        db.execute_batch("BEGIN IMMEDIATE; COMMIT;")?;
        Ok(Ok(()))
    }

    fn check_version(&self) -> rusqlite::Result<Result<(), StoreError>> {
        let number = |pragma: &str| self.db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
        let found = number("user_version")?;
        Ok(if number("application_id")? != APPLICATION {
            Err(StoreError::Foreign(self.path.clone()))
        } else if found != VERSION {
            Err(StoreError::Newer { path: self.path.clone(), found })
        } else {
            Ok(())
        })
    }

    /// The connection, to read from.
    pub fn db(&self) -> &Connection {
        &self.db
    }

    /// What an error of the connection means.
    pub fn explain(&self, error: &rusqlite::Error) -> StoreError {
        explain(&self.path, error)
    }

    /// Writes all records, or none.
    pub fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let written = self.try_write(records);
        if written.is_err() || self.ids.len() > MAX_IDS {
            // Ids of a transaction that did not come about are nobody's.
            self.ids.clear();
        }
        written.map_err(|error| self.explain(&error))
    }

    fn try_write(&mut self, records: &[Record]) -> rusqlite::Result<()> {
        let transaction = self.db.transaction()?;
        for record in records {
            write_record(&transaction, &mut self.ids, record)?;
        }
        transaction.commit()
    }

    /// Deletes what is too old or too much, in small steps, for a short time.
    pub fn handle_retention(&mut self, now: u64, keep: Keep) -> Result<(), StoreError> {
        self.try_retention(now, keep).map_err(|error| self.explain(&error))
    }

    fn try_retention(&mut self, now: u64, keep: Keep) -> rusqlite::Result<()> {
        let end = Instant::now() + RETENTION_TURN;
        while let Some(oldest) = self.oldest_slot()? {
            let is_old = (oldest + 1).saturating_mul(SLOT).saturating_add(keep.age) <= now;
            if !is_old && self.bytes()? <= keep.bytes {
                break;
            }
            self.delete_some(oldest)?;
            self.db.execute_batch(&format!("PRAGMA incremental_vacuum({GIVEN_BACK_AT_ONCE})"))?;
            if Instant::now() >= end {
                break;
            }
        }
        Ok(())
    }

    fn delete_some(&mut self, slot: u64) -> rusqlite::Result<()> {
        let transaction = self.db.transaction()?;
        let samples = transaction
            .prepare_cached(
                "DELETE FROM sample WHERE slot = ?1 AND (series, t) IN (SELECT series, t FROM sample WHERE slot = ?1 LIMIT ?2)",
            )?
            .execute(params![slot, DELETED_AT_ONCE])?;
        let events = transaction
            .prepare_cached("DELETE FROM event WHERE id IN (SELECT id FROM event WHERE slot = ?1 LIMIT ?2)")?
            .execute(params![slot, DELETED_AT_ONCE])?;
        if samples + events < DELETED_AT_ONCE as usize {
            // The slot is empty now, and with it series of which nothing came since.
            let gone = transaction.execute("DELETE FROM series WHERE last_slot <= ?1", params![slot])?;
            if gone > 0 {
                self.ids.clear();
            }
        }
        transaction.commit()
    }

    /// Bytes in use; pages that are free but still of the file do not count.
    pub fn bytes(&self) -> rusqlite::Result<u64> {
        let number = |pragma: &str| self.db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u64>(0));
        Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
    }

    fn oldest_slot(&self) -> rusqlite::Result<Option<u64>> {
        next_slot(&self.db, 0)
    }
}

/// The first slot from `slot` on in which there is anything.
pub fn next_slot(db: &Connection, slot: u64) -> rusqlite::Result<Option<u64>> {
    let mut samples = db.prepare_cached("SELECT min(slot) FROM sample WHERE slot >= ?1")?;
    let mut events = db.prepare_cached("SELECT min(slot) FROM event WHERE slot >= ?1")?;
    let sample: Option<u64> = samples.query_row([slot], |row| row.get(0))?;
    let event: Option<u64> = events.query_row([slot], |row| row.get(0))?;
    Ok(sample.into_iter().chain(event).min())
}

fn write_record(db: &Transaction<'_>, ids: &mut HashMap<SeriesName, Known>, record: &Record) -> rusqlite::Result<()> {
    let none = || Arc::from("");
    let slot = record.t / SLOT;
    let mut series = |kind, name, detail| series_id(db, ids, (record.lbr.clone(), record.mote.clone(), kind, name, detail), slot);
    let (series, value, whole) = match &record.fact {
        Fact::Value(quantity, reading) => (series(quantity.name(), none(), none())?, reading.value, reading.of),
        Fact::Count { sender, signal, num } => (series(COUNT, sender.clone(), signal.clone())?, *num as f64, None),
        Fact::Event(event) => {
            let series = series(event.kind(), none(), none())?;
            return write_event(db, series, slot, record.t, event);
        }
    };
    db.prepare_cached("INSERT OR REPLACE INTO sample (slot, series, t, value, whole) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![slot, series, record.t, value, whole])?;
    Ok(())
}

fn write_event(db: &Transaction<'_>, series: i64, slot: u64, t: u64, event: &Event) -> rusqlite::Result<()> {
    let Columns { name, detail, value, text } = event.columns();
    let is_known = match event.repeat() {
        Repeat::Kept => false,
        Repeat::SameText => {
            let mut last = db.prepare_cached("SELECT text FROM event WHERE series = ?1 ORDER BY t DESC, id DESC LIMIT 1")?;
            last.query_row([series], |row| row.get::<_, String>(0)).optional()?.is_some_and(|last| last == text)
        }
        Repeat::SameTime => {
            let mut near = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE series = ?1 AND t BETWEEN ?2 AND ?3)")?;
            near.query_row(params![series, t.saturating_sub(SAME_TIME), t.saturating_add(SAME_TIME)], |row| row.get(0))?
        }
    };
    if !is_known {
        db.prepare_cached("INSERT INTO event (slot, series, t, name, detail, value, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![slot, series, t, name, detail, value, text])?;
    }
    Ok(())
}

fn series_id(db: &Transaction<'_>, ids: &mut HashMap<SeriesName, Known>, series: SeriesName, slot: u64) -> rusqlite::Result<i64> {
    if let Some(known) = ids.get(&series).filter(|known| known.last_slot >= slot) {
        return Ok(known.id);
    }
    let (lbr, mote, kind, name, detail) = &series;
    let id = db
        .prepare_cached(
            "INSERT INTO series (lbr, mote, kind, name, detail, last_slot) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET last_slot = max(last_slot, excluded.last_slot) RETURNING id",
        )?
        .query_row(params![&**lbr, mote.as_deref().unwrap_or(""), kind, &**name, &**detail, slot], |row| row.get(0))?;
    ids.insert(series, Known { id, last_slot: slot });
    Ok(id)
}

/// An empty file for this user alone, in such a folder, unless they are there: log lines are the
/// person's own.
fn make_file(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_file::make_folder(folder).map_err(|error| StoreError::Folder(folder.to_owned(), error))?;
    }
    match private_file::create_new(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::System(path.to_owned(), error.to_string())),
    }
}

fn explain(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let why = error.to_string();
    match error.sqlite_error_code() {
        // What is no code of SQLite's is a row that is not as the tables say: only damage can bring that about.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) | None => StoreError::Damaged(path, why),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(path),
        Some(ErrorCode::DiskFull) => StoreError::Full(path, why),
        // `ErrorCode` is another crate's, and grows.
        Some(_) => StoreError::System(path, why),
    }
}
