// What a reload must not lose: the log, the charts as far as the host remembers, and what was selected.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Router } from './lib/router.mjs';
import { pause, until } from './lib/waiting.mjs';

let place, host, router, browser, tab;
let begun;

before(async () => {
  place = await Place.take('reload');
  host = await GuiHost.start(place);
  router = await Router.start(place, { motes: 2, url: host.link });
  router.wake();
  browser = await launch();
  tab = await openTab(browser);
  await tab.open(host);
  await tab.hasMotes(['0001', '0002']);
  begun = Date.now();
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await host?.stop();
  await place?.leave();
});

test('the log is as it was, oldest line first', async () => {
  for (const code of [0x0c, 0x0d, 0x0e]) await router.happens(`log 1 E 0x0d ${code} 7 7`);
  await tab.choose('log');
  const lines = () => tab.page.getByRole('region', { name: 'Log lines' }).getByRole('listitem').allInnerTexts();
  const said = await until('what the mote logs', async () => ((await lines()).length >= 3 ? lines() : null));
  await tab.page.reload();
  await tab.shows('LIVE');
  const again = await until('the log', async () => ((await lines()).length >= said.length ? lines() : null));
  assert.deepEqual(again.slice(0, said.length), said);
  tab.isClean();
});

test('the address keeps the tab, the mote and its side, and loses the token', async () => {
  await tab.choose('overview');
  await tab.row('0002').getByRole('link').click();
  await tab.page.getByRole('link', { name: 'neighbours' }).click();
  const address = tab.page.url();
  assert.ok(!address.includes(host.token), 'the token is in sight');
  await tab.page.reload();
  await tab.page.getByRole('heading', { name: 'Mote 0002' }).waitFor();
  assert.equal(await tab.page.getByRole('link', { name: 'neighbours' }).getAttribute('aria-current'), 'page');
  assert.equal(tab.page.url(), address);
  tab.isClean();
});

test('the charts go back to before the reload', async () => {
  await tab.page.getByRole('link', { name: 'history' }).click();
  await tab.page.getByRole('img', { name: /^Rank/ }).waitFor();
  // Something has to be remembered.
  await pause(12_000);
  const before = Date.now();
  await tab.page.reload();
  await tab.page.getByRole('img', { name: /^Rank/ }).waitFor();
  await figuresFrom(tab, before - 8_000);
  tab.isClean();
});

test('the charts have no hole where the page was loaded', async () => {
  const loaded = Math.ceil(Date.now() / 1_000) * 1_000;
  await tab.page.reload();
  await tab.page.getByRole('img', { name: /^Rank/ }).waitFor();
  const wanted = [0, 1, 2, 3].map((second) => new Date(loaded + second * 1_000).toISOString());
  // The last column but one is `asn_rate`.
  const hasRate = (line) => line !== undefined && line.split(',').at(-2) !== '';
  await until('slots a second of the first seconds', async () => {
    // A browser that is asked for one file after the other gives none in the end.
    await pause(1_000);
    const lines = await figures(tab);
    return wanted.every((time) => hasRate(lines.find((line) => line.startsWith(time))));
  });
  tab.isClean();
});

test('the charts go further back on demand, and the address keeps how far', async () => {
  const panel = tab.panel('Mote 0002');
  await panel.getByRole('button', { name: '1 h', exact: true }).click();
  await tab.page.getByRole('img', { name: 'Rank, the last 1 h' }).waitFor();
  assert.match(tab.page.url(), /span=1h/);
  await figuresFrom(tab, begun + 20_000);
  await tab.page.reload();
  await tab.page.getByRole('img', { name: 'Rank, the last 1 h' }).waitFor();
  assert.equal(await panel.getByRole('button', { name: '1 h', exact: true }).getAttribute('aria-pressed'), 'true');
  tab.isClean();
});

test('all that was kept of a mote can be saved, for spreadsheets and for programs', async () => {
  const panel = tab.panel('Mote 0002');
  const saved = async (name) => {
    const [download] = await Promise.all([tab.page.waitForEvent('download'), panel.getByRole('button', { name, exact: true }).click()]);
    return readFile(await download.path(), 'utf8');
  };
  // What was kept last is written to the disk within a few seconds.
  const csv = await until('records', async () => ((await saved('Records CSV')).split('\r\n').length > 3 ? saved('Records CSV') : null));
  assert.match(csv, /^t,time,lbr,mote,kind,name,detail,value,of,text\r\n/);
  assert.ok(csv.includes(',141592cc00000002,') && !csv.includes(',141592cc00000001,'), 'records of the other mote');
  for (const line of (await saved('JSON lines')).trim().split('\n')) assert.equal(JSON.parse(line).mote, '141592cc00000002');
  tab.isClean();
});

test('the charts go back to before the host was started again', async () => {
  const stopped = Date.now();
  await host.stop();
  host = await GuiHost.start(place, ['--port', `${host.port}`, '--link-port', `${host.linkPort}`]);
  const again = await openTab(browser);
  await again.open(host, 'mote=141592cc00000002&view=history&span=1h');
  await again.shows('LIVE');
  await again.page.getByRole('img', { name: /^Rank/ }).waitFor();
  await figuresFrom(again, stopped - 10_000);
  await again.close();
});

/** Waits until the charts go back to before a time: what the host remembers comes when it is asked for. */
async function figuresFrom(of, time) {
  let oldest = null;
  await until('older figures', async () => (oldest = await oldestFigure(of)) !== null && oldest < time).catch((error) => {
    throw new Error(`${error.message}; the oldest one is of ${oldest === null ? 'no time' : `${oldest - time} ms later`}`);
  });
}

/** When the oldest line with a figure in the file that the page offers was, Unix ms. */
async function oldestFigure(of) {
  const line = (await figures(of)).find((each) => /,[^,]*\d/.test(each));
  if (line === undefined) return null;
  const time = line.split(',')[0].replaceAll('"', '');
  return /^\d+(\.\d+)?$/.test(time) ? Number(time) * (time.length < 12 ? 1000 : 1) : Date.parse(time);
}

/** The lines of the file that the page offers. */
async function figures(of) {
  const button = of.panel('Mote 0002').getByRole('button', { name: 'CSV', exact: true });
  const [download] = await Promise.all([of.page.waitForEvent('download'), button.click()]);
  const text = await readFile(await download.path(), 'utf8');
  return text.split('\n').slice(1);
}
