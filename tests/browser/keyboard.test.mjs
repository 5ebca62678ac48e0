// A walk without a mouse: every part of the page is reached, used and left by keys, and the focus is always seen.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Router } from './lib/router.mjs';
import { until } from './lib/waiting.mjs';

const TABS = { o: 'overview', s: 'schedule', l: 'log', c: 'commands', n: 'counts', h: 'health' };

/** More stops than any tab has. */
const MOST_STOPS = 400;

let place, host, router, browser, tab, keys;

before(async () => {
  place = await Place.take('keyboard');
  host = await GuiHost.start(place);
  router = await Router.start(place, { motes: 4, url: host.link });
  router.wake();
  browser = await launch();
  tab = await openTab(browser);
  keys = tab.page.keyboard;
  await tab.open(host);
  await tab.hasMotes(['0001', '0002', '0003', '0004']);
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await host?.stop();
  await place?.leave();
});

const chosen = (name) => tab.page.getByRole('heading', { name: `Mote ${name}`, exact: true }).waitFor();
const current = () => tab.page.getByRole('navigation', { name: 'Parts of the page' }).locator('[aria-current=page]').textContent();

/** What has the focus, and how it shows. */
const focus = () =>
  tab.page.evaluate(() => {
    const at = document.activeElement;
    if (at === null || at === document.body) return null;
    const shown = at.matches('svg a') ? at.querySelector('rect') : at;
    const { outlineStyle, outlineWidth, strokeWidth } = getComputedStyle(shown);
    const box = at.getBoundingClientRect();
    return {
      what: `${at.localName} ${at.getAttribute('aria-label') ?? at.textContent.trim().slice(0, 40)}`,
      seen: (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0) || Number.parseFloat(strokeWidth) >= 3,
      inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
  });

/** Presses Tab until the focus is where it is wanted. */
async function tabTo(what) {
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    await keys.press('Tab');
    if (what.test((await focus())?.what ?? '')) return;
  }
  assert.fail(`Tab does not lead to ${what}`);
}

test('each tab has its keys', async () => {
  for (const [key, name] of [...Object.entries(TABS), ['o', 'overview']]) {
    await keys.press('g');
    await keys.press(key);
    await until(name, async () => (await current()) === name);
  }
  tab.isClean();
});

test('each tab can be walked through with Tab: the focus is always in sight and never caught', async () => {
  for (const [key, name] of Object.entries(TABS)) {
    await keys.press('g');
    await keys.press(key);
    await until(name, async () => (await current()) === name);
    // From the beginning: the page is left where it ends.
    await tab.page.evaluate(() => document.activeElement?.blur());
    const unseen = [];
    let stops = 0;
    let at;
    do {
      await keys.press('Tab');
      at = await focus();
      if (at !== null && !(at.seen && at.inside)) unseen.push(at);
    } while (at !== null && ++stops < MOST_STOPS);
    assert.ok(stops < MOST_STOPS, `${name}: the focus does not come out again`);
    assert.ok(stops > 8, `${name}: only ${stops} stops`);
    assert.deepEqual(unseen, [], name);
  }
  await keys.press('g');
  await keys.press('o');
  tab.isClean();
});

test('motes are walked through with j and k, and opened with Enter', async () => {
  await chosen('0001');
  await keys.press('j');
  await chosen('0002');
  await keys.press('j');
  await chosen('0003');
  await keys.press('k');
  await chosen('0002');
  await keys.press('Enter');
  await tabTo(/^a neighbours/);
  await keys.press('Enter');
  await until('the neighbours', () => tab.page.getByRole('link', { name: 'neighbours' }).getAttribute('aria-current').then((is) => is === 'page'));
  tab.isClean();
});

test('j goes down the table as it is sorted', async () => {
  const heading = tab.page.getByRole('button', { name: 'Mote', exact: true });
  await heading.click();
  await tab.row('0003').getByRole('link').first().click();
  await chosen('0003');
  await keys.press('j');
  await chosen('0002');
  await heading.click();
  await keys.press('j');
  await chosen('0003');
  tab.isClean();
});

test('the drawing is one stop of the tabulator: the arrows go from mote to mote in it, and Enter chooses one', async () => {
  await tabTo(/^a 000\d( \d+ %)?: /);
  const first = (await focus()).what;
  // Which way there is one depends on how the drawing fits into the window.
  for (const arrow of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp']) if ((await focus()).what === first) await keys.press(arrow);
  const { what, seen, inside } = await focus();
  assert.notEqual(what, first);
  assert.ok(seen && inside, what);
  await keys.press('Enter');
  await chosen(/^a (\w+)/.exec(what)[1]);
  await keys.press('Tab');
  assert.doesNotMatch((await focus())?.what ?? '', /^a 000\d( \d+ %)?: /);
  tab.isClean();
});

test('a mote is searched for with /, chosen with Enter, and the search is left with Esc', async () => {
  await keys.press('/');
  assert.match((await focus()).what, /^input/);
  await keys.type('0004');
  await tab.page.getByRole('banner').getByText('1 found').waitFor();
  await keys.press('Enter');
  await chosen('0004');
  await keys.press('Escape');
  await until('the end of the search', async () => (await tab.page.getByRole('searchbox', { name: 'Search a mote' }).inputValue()) === '');
  assert.equal(await focus(), null);
  assert.match(tab.page.url(), /mote=141592cc00000004/);
  await keys.press('Escape');
  await until('no mote to be chosen', () => !tab.page.url().includes('mote='));
  await chosen('0001');
  for (const name of ['0002', '0003', '0004']) {
    await keys.press('j');
    await chosen(name);
  }
  tab.isClean();
});

test('? shows the keys, Esc closes them, and the focus is where it was', async () => {
  await tabTo(/^a log$/i);
  const before = await focus();
  await keys.press('?');
  const dialog = tab.page.getByRole('dialog', { name: 'Keys' });
  await dialog.waitFor();
  await dialog.getByText('search a mote').waitFor();
  await keys.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(await focus(), before);
  tab.isClean();
});

test('a command is asked for, thought better of, and given', async () => {
  await keys.press('g');
  await keys.press('c');
  await until('the tab', async () => (await current()) === 'commands');
  await tabTo(/^button Make root: mote 0004/);
  await keys.press('Enter');
  const dialog = tab.page.getByRole('dialog', { name: 'Make mote 0004 DAG root?' });
  await dialog.waitFor();
  await keys.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.match((await focus()).what, /^button Make root: mote 0004/);

  await keys.press('Enter');
  await dialog.waitFor();
  await tabTo(/^button Make root$/);
  await keys.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  // The place in the page is kept while the button's words change.
  await tab.page.getByRole('button', { name: 'Stop being root: mote 0004' }).waitFor({ timeout: 30_000 });
  assert.match((await focus()).what, /^button Stop being root: mote 0004/);
  await tab.page.getByRole('listitem').filter({ hasText: 'make root' }).getByText(/^confirmed/).waitFor({ timeout: 30_000 });
  tab.isClean();
});
