//! The real program, as wslink clients see it: one that this test writes frame by frame, and the stock
//! one from npm. What the pure parts of the protocol cannot show.

mod admission;
mod client;
mod conversation;
#[path = "../whole/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the page, which use all of it")]
mod program;
#[path = "../whole/router.rs"]
#[expect(dead_code, reason = "shared with the tests of the link, which use all of it")]
mod router;
mod stock_client;
#[path = "../whole/websocket.rs"]
mod websocket;
