//! History in the real program: it survives a restart, can be exported, and is never needed.
//!
//! Every test starts its own host with its own database, and ends only that.

mod export;
mod keeping;
#[path = "../whole/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the page, which use all of it")]
mod program;
#[path = "../whole/router.rs"]
#[expect(dead_code, reason = "shared with the tests of the link, which use all of it")]
mod router;
mod stage;
#[path = "../whole/viewer.rs"]
#[expect(dead_code, reason = "shared with the tests of the page, which use all of it")]
mod viewer;
#[path = "../whole/websocket.rs"]
mod websocket;
