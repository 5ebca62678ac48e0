// The stock client of wslink, npm's `wslink` as a bundler takes it, in Chromium: what it can do in a page of the
// host's own address, and that a page of anywhere else is refused.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Router, euiOf } from './lib/router.mjs';
import { Site } from './lib/site.mjs';

const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>A page with the stock client</title><script src="/stock-client.js"></script>';

let place, host, router, browser, script;

before(async () => {
  place = await Place.take('wslink');
  host = await GuiHost.start(place);
  router = await Router.start(place, { motes: 1, url: host.link });
  router.wake();
  browser = await launch();
  const contents = 'import * as wslink from "wslink"; globalThis.wslink = wslink.default ?? wslink;';
  const stdin = { contents, resolveDir: import.meta.dirname };
  script = (await build({ stdin, bundle: true, write: false, format: 'iife', platform: 'browser', logLevel: 'silent' })).outputFiles[0].text;
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await host?.stop();
  await place?.leave();
});

/** What the client tells in a page, with this secret. */
function converse(tab, secret, mote) {
  return tab.page.evaluate(
    async ([urls, secret, mote]) => {
      const connection = globalThis.wslink.WebsocketConnection.newInstance({ urls, secret });
      const opened = new Promise((resolve, reject) => {
        connection.onConnectionReady(() => resolve());
        connection.onConnectionError((_, error) => reject(error));
        connection.onConnectionClose(() => reject(new Error('closed')));
      });
      connection.connect();
      try {
        await opened;
      } catch (error) {
        return { refused: error?.message ?? error?.data?.exception ?? `${error?.type ?? error}` };
      }
      const session = connection.getSession();
      const heard = new Promise((resolve) => session.subscribe('mote.status', ([each]) => resolve(each)));
      const outcomes = [];
      const ended = new Promise((resolve) => {
        session.subscribe('command.outcome', ([{ message }]) => {
          outcomes.push(message.state);
          if (!['accepted', 'sent'].includes(message.state)) resolve();
        });
      });
      let snapshot = await session.call('lbr.snapshot');
      for (let turn = 0; turn < 600 && Object.keys(snapshot.lbrs).length === 0; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        snapshot = await session.call('lbr.snapshot');
      }
      const status = await heard;
      const file = await session.call('lbr.export');
      const bytes = file.data instanceof Blob ? await file.data.arrayBuffer() : file.data;
      await session.call('lbr.command', [{ lbr: '*', event: 'set-dagroot', mote, on: true }]);
      await ended;
      return {
        lbrs: Object.keys(snapshot.lbrs).length,
        status: status.message.mote,
        type: Object.prototype.toString.call(file.data),
        file: JSON.parse(new TextDecoder().decode(bytes)).links[0].state,
        outcomes,
      };
    },
    [`ws://127.0.0.1:${host.port}/wslink`, secret, mote],
  );
}

test('in the host’s own document it says hello, hears, calls, and receives bytes', async () => {
  const tab = await openTab(browser);
  // The host serves no such page. So the client is put into the document that it does serve, under that document's policy.
  await tab.page.goto(`${host.origin}/`);
  await tab.page.evaluate(script);
  const told = await converse(tab, host.token, euiOf(1));
  assert.deepEqual(told, { lbrs: 1, status: euiOf(1), type: '[object Uint8Array]', file: 'live', outcomes: ['accepted', 'sent', 'confirmed'] });
  assert.match((await converse(tab, 'wslink-secret', euiOf(1))).refused, /Authentication failed/);
  await tab.page.context().close();
});

test('in a page of anywhere else it does not come in, with the token or without', async () => {
  const site = await Site.open({ '/': PAGE, '/stock-client.js': script });
  const tab = await openTab(browser);
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  assert.ok((await converse(tab, host.token, euiOf(1))).refused);
  assert.match(tab.complaints.join('\n'), /Unexpected response code: 403/);
  await tab.page.context().close();
  await site.close();
});
