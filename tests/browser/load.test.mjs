// A large network: 200 motes that tell something 4 times a second each, through the real host, for half a minute. What it
// costs the page is printed. The main thread's own processor time is bounded whatever else the machine does; frames are
// bounded where the machine is not busy with other things.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { machine } from './lib/machine.mjs';
import { Place } from './lib/place.mjs';
import { PlayedRouter } from './lib/played-router.mjs';
import { pause } from './lib/waiting.mjs';

const MOTES = 200;
const HZ = 4;
const SECONDS = 30;

/** So much of the main thread's time may a view take: beyond it a page on a slower machine falls behind. */
const MOST_OF_A_CORE = 0.7;

let place, host, router, browser;

before(async () => {
  place = await Place.take('load');
  host = await GuiHost.startOpen(place);
  router = await PlayedRouter.connect(host.link, { motes: MOTES, hz: HZ });
  browser = await launch();
});

after(async () => {
  router?.close();
  await browser?.close();
  await host?.stop();
  await place?.leave();
});

/** Seconds that the page's main thread has worked, by what it did; not those in which others had the processor. */
async function worked(cdp) {
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = (name) => metrics.find((each) => each.name === name).value;
  return { all: of('TaskDuration'), script: of('ScriptDuration'), style: of('RecalcStyleDuration'), layout: of('LayoutDuration') };
}

/** Begins to write down the times of frames, and of tasks that kept the main thread for more than 50 ms. */
function watchFrames() {
  globalThis.watched = { frames: [], tasks: [] };
  const { frames, tasks } = globalThis.watched;
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  const step = (at) => {
    frames.push(at);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/** What was written down, summed up; times in ms. */
function sumUp({ frames, tasks }) {
  const gaps = frames.slice(1).map((at, number) => at - frames[number]);
  const sorted = gaps.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)];
  const usual = 1000 / 60;
  const dropped = gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / usual) - 1), 0);
  const span = frames.at(-1) - frames[0];
  const blocked = tasks.reduce((sum, each) => sum + each, 0);
  return { span, drawn: gaps.length, dropped, p50: at(0.5), p99: at(0.99), longestGap: at(1), tasks: tasks.length, blocked, longestTask: Math.max(0, ...tasks) };
}

for (const [view, rest] of Object.entries({ overview: '', log: 'tab=log', counts: 'tab=counts', 'schedule of all': 'tab=schedule&cells=all' })) {
  test(`${MOTES} motes at ${HZ} Hz: ${view}`, async () => {
    const seconds = view === 'overview' ? SECONDS : 8;
    const tab = await openTab(browser);
    await tab.open(host, rest);
    await tab.shows('LIVE');
    await tab.page.getByRole('heading').nth(1).waitFor();
    // The beginning has other costs than what follows.
    await pause(3_000);
    const cdp = await tab.page.context().newCDPSession(tab.page);
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    const [sent, before, began] = [router.sent, await worked(cdp), performance.now()];
    await tab.page.evaluate(watchFrames);
    await pause(seconds * 1000);
    const after = await worked(cdp);
    const elapsed = (performance.now() - began) / 1000;
    const told = sumUp(await tab.page.evaluate(() => globalThis.watched));
    const rate = (router.sent - sent) / elapsed;
    const share = (after.all - before.all) / elapsed;
    const parts = Object.keys(after).map((name) => `${name} ${((100 * (after[name] - before[name])) / elapsed).toFixed(1)} %`);
    const text = Object.entries(told).map(([name, value]) => `${name} ${value.toFixed(name === 'p50' || name === 'p99' ? 1 : 0)}`);
    const { isQuiet, words } = machine();
    console.log(`${view}: ${rate.toFixed(0)} messages/s; main thread ${parts.join(', ')}; ${text.join(', ')}; ${words}`);

    // On a machine with more to do than it can, this process may answer the host's ping late for once.
    await tab.shows('LIVE', 30_000);
    assert.ok(rate > MOTES * HZ * 0.5, `only ${rate} messages a second: the machine is too busy to say anything`);
    assert.ok(share < MOST_OF_A_CORE, `the main thread works ${(100 * share).toFixed(0)} % of the time`);
    if (isQuiet) {
      assert.ok(told.longestTask < 1000, 'a task kept the main thread for more than a second');
      assert.ok(told.dropped < told.drawn, 'more than half of the frames were dropped');
      assert.ok(told.blocked < told.span / 2, 'long tasks took more than half of the time');
    }
    if (view === 'overview') {
      const table = tab.page.getByRole('region', { name: 'Motes, table' });
      assert.equal(await table.getByRole('table').getAttribute('aria-rowcount'), `${MOTES + 2}`, 'all motes, the port without one, the heading');
      // Rows out of sight are not there; scrolled to, they are.
      assert.ok((await tab.page.getByRole('rowheader').count()) < 60);
      await table.evaluate((box) => box.scrollTo(0, box.scrollHeight));
      await tab.row((MOTES).toString(16).padStart(4, '0')).waitFor();
      await table.evaluate((box) => box.scrollTo(0, 0));
      assert.equal(await tab.page.getByText('Messages that could not be used').count(), 0);
      // It keeps up: what it shows is what was just said.
      assert.match(await tab.row('0001').getByRole('cell').first().innerText(), isQuiet ? /^up\s+([0-3] s|now)/ : /^up\s+(1?\d s|now)/);
    }
    await tab.close();
  });
}
