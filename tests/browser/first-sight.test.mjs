// How soon a person sees their motes: from the address to the first picture with data in it, with nothing cached.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { machine } from './lib/machine.mjs';
import { Place } from './lib/place.mjs';
import { PlayedRouter } from './lib/played-router.mjs';
import { Router } from './lib/router.mjs';
import { until } from './lib/waiting.mjs';

const VISITS = 7;
const WITHIN_MS = 1_000;
const BUSY_WITHIN_MS = 5_000;

let place, browser;

before(async () => {
  place = await Place.take('sight');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await place?.leave();
});

/** Notes when the first row of motes was painted: its frame, and the one after, which begins when that was. */
function watchForData() {
  const look = new MutationObserver(() => {
    if (document.querySelector('tbody th[scope=row]') === null) return;
    look.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.sawData = performance.now())));
  });
  look.observe(document, { childList: true, subtree: true });
}

async function visit(host) {
  const tab = await openTab(browser);
  await tab.page.addInitScript(watchForData);
  await tab.open(host);
  const data = await until('motes', () => tab.page.evaluate(() => globalThis.sawData));
  const [paint] = await tab.page.evaluate(() => performance.getEntriesByName('first-contentful-paint').map(({ startTime }) => startTime));
  await tab.close();
  return { data, paint };
}

async function measure(what, host) {
  const visits = [];
  for (let number = 0; number < VISITS; number++) visits.push(await visit(host));
  const times = (name) => visits.map((each) => Math.round(each[name] ?? NaN)).toSorted((a, b) => a - b);
  const [data, paint] = [times('data'), times('paint')];
  const middle = data[Math.floor(VISITS / 2)];
  const { isQuiet, words } = machine();
  console.log(`${what}: first paint with data after ${data.join(' ')} ms, the median is ${middle} ms; first paint at all ${paint.join(' ')} ms; ${words}`);
  assert.ok(middle < (isQuiet ? WITHIN_MS : BUSY_WITHIN_MS), `${middle} ms`);
}

test('the emulated motes of a real router', async () => {
  const host = await GuiHost.start(place);
  const router = await Router.start(place, { motes: 5, url: host.link });
  router.wake();
  await visit(host);
  await measure('5 emulated motes', host);
  await router.stop();
  await host.stop();
});

test('a network of 200 motes', async () => {
  const host = await GuiHost.startOpen(place);
  const router = await PlayedRouter.connect(host.link, { motes: 200, hz: 4 });
  await visit(host);
  await measure('200 motes at 4 Hz', host);
  router.close();
  await host.stop();
});
