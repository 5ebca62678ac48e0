//! What the database has for charts. Blocking; nothing is written.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::{
    question::{Charts, MAX_MARKS, Recent},
    record::{LOG, Mark},
    ring::Point,
    series::{Quantity, Reading},
    store::{SLOT, Store, StoreError, next_slot},
};
use crate::{history::question::Kept, hub::model::Text};

/// Longest time for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows between two looks at the clock.
const LOOK_EVERY: u32 = 10_000;

/// The answer to a question, from the database and the ring.
pub fn answer(store: &Store, charts: &Charts, recent: &Recent, kept: Kept<'_>) -> Result<Text, StoreError> {
    let marks = marks(store.db(), charts).map_err(|error| store.explain(&error))?;
    let mut reader = Reader { store, charts, deadline: Instant::now() + PATIENCE, rows: 0 };
    charts.answer(recent, marks, kept, |quantity, tell| reader.points(quantity, tell))
}

struct Reader<'a> {
    store: &'a Store,
    charts: &'a Charts,
    deadline: Instant,
    rows: u32,
}

impl Reader<'_> {
    fn points(&mut self, quantity: Quantity, tell: &mut dyn FnMut(Point)) -> Result<(), StoreError> {
        let read = self.try_points(quantity, tell);
        read.map_err(|error| self.store.explain(&error))?
    }

    fn try_points(&mut self, quantity: Quantity, tell: &mut dyn FnMut(Point)) -> rusqlite::Result<Result<(), StoreError>> {
        let db = self.store.db();
        let span = self.charts.span;
        let Some(series) = series_id(db, self.charts, quantity)? else { return Ok(Ok(())) };
        // What was read before may still stand.
        let from = span.from.saturating_sub(quantity.stands());
        let mut rows_of =
            db.prepare_cached("SELECT t, value, whole FROM sample WHERE slot = ?1 AND series = ?2 AND t >= ?3 AND t < ?4 ORDER BY t")?;
        let mut next = next_slot(db, from / SLOT)?;
        while let Some(slot) = next.filter(|slot| slot.saturating_mul(SLOT) < span.to) {
            let mut rows = rows_of.query(params![slot, series, from, span.to])?;
            while let Some(row) = rows.next()? {
                let reading = Reading { value: row.get(1)?, of: row.get(2)? };
                tell(Point { t: row.get(0)?, value: reading.shown(quantity) });
                if self.is_late() {
                    return Ok(Err(StoreError::TooLong));
                }
            }
            next = next_slot(db, slot + 1)?;
        }
        Ok(Ok(()))
    }

    fn is_late(&mut self) -> bool {
        self.rows += 1;
        self.rows.is_multiple_of(LOOK_EVERY) && Instant::now() >= self.deadline
    }
}

fn series_id(db: &Connection, charts: &Charts, quantity: Quantity) -> rusqlite::Result<Option<i64>> {
    use rusqlite::OptionalExtension;
    db.prepare_cached("SELECT id FROM series WHERE lbr = ?1 AND mote = ?2 AND kind = ?3 AND name = '' AND detail = ''")?
        .query_row(params![charts.lbr, charts.mote.as_deref().unwrap_or(""), quantity.name()], |row| row.get(0))
        .optional()
}

/// The newest marks of the span.
fn marks(db: &Connection, charts: &Charts) -> rusqlite::Result<Vec<Mark>> {
    let mut marks = db.prepare_cached(
        "SELECT e.t, k.kind, e.name, e.value, e.text FROM event e JOIN series k ON k.id = e.series
         WHERE k.lbr = ?1 AND k.mote = ?2 AND k.kind <> ?3 AND e.t BETWEEN ?4 AND ?5 ORDER BY e.t DESC LIMIT ?6",
    )?;
    let mark =
        |row: &rusqlite::Row<'_>| Ok(Mark { t: row.get(0)?, kind: row.get(1)?, name: row.get(2)?, value: row.get(3)?, text: row.get(4)? });
    let mote = charts.mote.as_deref().unwrap_or("");
    marks.query_map(params![charts.lbr, mote, LOG, charts.span.from, charts.span.to, MAX_MARKS], mark)?.collect()
}
