// What a script with the stock wslink client sees of gui-host. It prints a line of JSON for each step;
// stock_client.rs plays the router and looks at the lines.
//
//   node client.mjs ws://127.0.0.1:PORT/wslink TOKEN MOTE

// The client is made for browsers: it asks for these names as soon as it is loaded, though it does not
// need them for a connection. WebSocket is there from Node 22 on.
globalThis.self ??= globalThis;
globalThis.document ??= { baseURI: "" };
globalThis.window ??= { location: { protocol: "", hostname: "", port: "", pathname: "" } };
globalThis.WebSocket ??= (await import("ws")).WebSocket;
const { default: wslink } = await import("wslink");

const [url, secret, mote] = process.argv.slice(2);
const tell = (step, value) => console.log(JSON.stringify({ step, value }));

/** Opens a connection; gives the session, or the reason why there is none. */
function connect(shown) {
  const connection = wslink.WebsocketConnection.newInstance({ urls: url, secret: shown });
  return new Promise((resolve, reject) => {
    connection.onConnectionReady(() => resolve(connection));
    connection.onConnectionError((_, error) => reject(error));
    connection.connect();
  }).finally(() => {
    if (shown !== secret) connection.getSession().close();
  });
}

/** What a call that must fail is told. */
const refusal = (call) => call.then(() => "not refused", ({ code, message }) => ({ code, message }));

/** The first `count` publications of a topic. Its listeners are called with an array of one. */
function publications(session, topic, count) {
  const heard = [];
  return new Promise((resolve) => {
    session.subscribe(topic, ([publication]) => {
      heard.push(publication);
      if (heard.length === count) resolve(heard);
    });
  });
}

setTimeout(() => {
  tell("late", null);
  process.exit(3);
}, 15_000).unref();

// The default secret of every wslink server, which the client says in words of its own.
const logged = console.error;
console.error = () => {};
tell("refused", await refusal(connect("wslink-secret")));
console.error = logged;

const connection = await connect(secret);
const session = connection.getSession();
const status = publications(session, "mote.status", 1);
const outcomes = publications(session, "command.outcome", 4);
tell("snapshot", Object.keys((await session.call("lbr.snapshot")).lbrs).sort());
tell("status", (await status)[0]);

const file = await session.call("lbr.export");
const text = file.data instanceof Uint8Array ? new TextDecoder().decode(file.data) : "no bytes";
tell("file", { name: file.name, type: file.type, bytes: file.data.length, lbrs: Object.keys(JSON.parse(text).lbrs).sort() });

// Packets come only to who asks for them, and as the bytes that they are.
const packets = publications(session, "mote.data", 1);
await session.call("lbr.subscribe", [{ topics: ["mote.data"] }]);
tell("subscribed", null);
const { lowpan } = (await packets)[0].message;
tell("packet", lowpan instanceof Uint8Array ? [...lowpan] : "no bytes");

const command = { lbr: "*", event: "set-dagroot", mote, on: true };
tell("command", await session.call("lbr.command", [command]));
tell("outcomes", (await outcomes).map(({ lbr, message }) => `${lbr} ${message.state}`).sort());

// More than one frame takes: the client cuts it, with the bytes in place.
const bytes = session.addAttachment(new Uint8Array(40_000).buffer);
tell("attached", await refusal(session.call("lbr.command", [], { lbr: bytes, event: "reset-mote", mote })));
tell("typo", await refusal(session.call("lbr.typo")));

// This asks the server to stop.
connection.destroy();
tell("done", null);
