// What a foreign page, in the browser of a person who runs gui-host, could try; and that it is refused by the host,
// not merely by the browser.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Site } from './lib/site.mjs';
import { until } from './lib/waiting.mjs';

let place, host, site, browser;

before(async () => {
  place = await Place.take('attacks');
  host = await GuiHost.start(place);
  site = await Site.open();
  // Both foreign names lead here, as a rebound name would.
  browser = await launch(['--host-resolver-rules=MAP evil.example 127.0.0.1, MAP rebind.example 127.0.0.1']);
});

after(async () => {
  await browser?.close();
  await site?.close();
  await host?.stop();
  await place?.leave();
});

/** Tries a WebSocket from a page of this address: whether it opened, and what the browser said of it. */
async function tryFrom(address, url, protocols = []) {
  const tab = await openTab(browser);
  const answer = await tab.page.goto(address);
  const how = await tab.page.evaluate(
    ([url, protocols]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url, protocols);
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
      }),
    [url, protocols],
  );
  if (how === 'refused') await until('what the browser says of it', () => tab.complaints.length > 0);
  const said = tab.complaints.join('\n');
  await tab.page.context().close();
  return { how, said, status: answer.status() };
}

const refusedWith = (status) => new RegExp(`Unexpected response code: ${status}`);

test('the host’s own page may, under each of its names', async () => {
  for (const name of ['127.0.0.1', 'localhost']) {
    for (const path of ['ws', 'wslink']) {
      const { how } = await tryFrom(`http://${name}:${host.port}/`, `ws://${name}:${host.port}/${path}`);
      assert.equal(how, 'open', `${name} ${path}`);
    }
  }
});

test('a page of another site may not', async () => {
  for (const path of ['ws', 'wslink']) {
    for (const name of ['127.0.0.1', 'localhost']) {
      const { how, said } = await tryFrom(`http://evil.example:${site.port}/`, `ws://${name}:${host.port}/${path}`);
      assert.equal(how, 'refused');
      assert.match(said, refusedWith(403));
    }
  }
});

test('a page of another port of this computer may not, nor the page under its other name', async () => {
  for (const path of ['ws', 'wslink']) {
    const { how, said } = await tryFrom(`http://127.0.0.1:${site.port}/`, `ws://127.0.0.1:${host.port}/${path}`);
    assert.equal(how, 'refused');
    assert.match(said, refusedWith(403));
  }
  // The page's own policy stops this one before it is tried.
  const { how, said } = await tryFrom(`http://localhost:${host.port}/`, `ws://127.0.0.1:${host.port}/ws`);
  assert.equal(how, 'refused');
  assert.match(said, /connect-src/);
});

test('a name that is rebound to this computer gets neither the page nor a socket', async () => {
  const { status, how, said } = await tryFrom(`http://rebind.example:${host.port}/`, `ws://rebind.example:${host.port}/ws`);
  assert.equal(status, 421);
  assert.equal(how, 'refused');
  assert.match(said, refusedWith(421));
});

test('no page may pose as a router', async () => {
  for (const address of [`http://evil.example:${site.port}/`, `http://127.0.0.1:${site.port}/`]) {
    const { how, said } = await tryFrom(address, `ws://127.0.0.1:${host.linkPort}/lbr`, ['openwsn-lbr.v1']);
    assert.equal(how, 'refused');
    assert.match(said, refusedWith(403));
  }
});

test('a foreign page can neither read nor frame ours', async () => {
  const tab = await openTab(browser);
  await tab.page.goto(`http://evil.example:${site.port}/`);
  const read = await tab.page.evaluate((url) => fetch(url).then(() => 'read', () => 'refused'), `${host.origin}/`);
  assert.equal(read, 'refused');
  const opaque = await tab.page.evaluate((url) => fetch(url, { mode: 'no-cors' }).then(({ type }) => type, () => 'refused'), `${host.origin}/`);
  assert.equal(opaque, 'refused', 'Cross-Origin-Resource-Policy');
  await tab.page.evaluate((url) => {
    const frame = document.createElement('iframe');
    frame.src = url;
    document.body.append(frame);
  }, `${host.origin}/#t=${host.token}`);
  await until('the browser to refuse the frame', () => tab.complaints.some((each) => /frame-ancestors|refused to (display|connect)/i.test(each)));
  assert.equal(await tab.page.frameLocator('iframe').locator('#app').count(), 0);
  await tab.page.context().close();
});

test('a page without the token is shown nothing, and one with a wrong token neither', async () => {
  const tab = await openTab(browser);
  await tab.page.goto(`${host.origin}/`);
  await tab.shows('NO SERVER');
  await tab.page.getByText('This page needs the token that gui-host made').waitFor();
  await tab.page.goto(`${host.origin}/#t=${'0'.repeat(host.token.length)}`);
  await tab.page.getByText(/does not accept this page’s token/).waitFor();
  assert.equal(await tab.page.getByRole('table').count(), 0);
  await tab.close();
});

test('a script that is written into the page is not executed', async () => {
  const tab = await openTab(browser);
  await tab.page.goto(`${host.origin}/`);
  const ran = await tab.page.evaluate(() => {
    const script = document.createElement('script');
    try {
      script.textContent = 'globalThis.ran = true';
      document.body.append(script);
    } catch {
      // Trusted Types refuse the text already.
    }
    return globalThis.ran === true;
  });
  assert.equal(ran, false);
  assert.match(tab.complaints.join('\n'), /TrustedScript/);
  await tab.page.context().close();
});
