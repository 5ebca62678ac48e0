// Every tab in light and dark and on a phone: nothing that axe-core finds serious, no sideways scroll, and pictures for a
// person to look at, in the directory that LBR_SCREENSHOTS names.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, openTab, PHONE, WIDE } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Router } from './lib/router.mjs';
import { pause, until } from './lib/waiting.mjs';

const PICTURES = process.env.LBR_SCREENSHOTS;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What is looked at, by name: the address's part behind the token, and what shows that it is there. */
const VIEWS = {
  overview: ['', (page) => page.getByRole('heading', { name: 'DODAG' })],
  neighbours: ['mote=141592cc00000001&view=neighbours', (page) => page.getByRole('link', { name: 'neighbours' })],
  queue: ['mote=141592cc00000001&view=queue', (page) => page.getByRole('link', { name: 'queue' })],
  cells: ['mote=141592cc00000001&view=schedule', (page) => page.getByRole('link', { name: 'As a matrix' })],
  history: ['mote=141592cc00000001&view=history', (page) => page.getByRole('img', { name: /^Rank/ })],
  mesh: ['mote=141592cc00000005', (page) => page.getByRole('heading', { name: 'Mote 0005', exact: true })],
  schedule: ['tab=schedule&mote=141592cc00000001', (page) => page.getByRole('heading', { name: /^Schedule/ })],
  'schedule-all': ['tab=schedule&cells=all', (page) => page.getByRole('heading', { name: 'Schedule of all motes' })],
  log: ['tab=log', (page) => page.getByRole('heading', { name: 'Log' })],
  commands: ['tab=commands', (page) => page.getByRole('heading', { name: 'Commands' })],
  counts: ['tab=counts', (page) => page.getByRole('table')],
  health: ['tab=health', (page) => page.getByRole('table').first()],
};

const LOOKS = {
  light: { viewport: WIDE, colorScheme: 'light' },
  dark: { viewport: WIDE, colorScheme: 'dark' },
  phone: { viewport: PHONE, colorScheme: 'light', isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

let place, host, router, browser, axe;

before(async () => {
  axe = await readFile(AXE, 'utf8');
  if (PICTURES) await mkdir(PICTURES, { recursive: true });
  place = await Place.take('views');
  host = await GuiHost.start(place);
  router = await Router.start(place, { motes: 4, mesh: 4, url: host.link });
  router.wake();
  browser = await launch();
  await furnish();
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await host?.stop();
  await place?.leave();
});

/** A network that has grown, with something in each part of the page. */
async function furnish() {
  const tab = await openTab(browser);
  await tab.open(host);
  await tab.hasMotes(['0001', '0002', '0003', '0004']);
  await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).click();
  await tab.page.getByRole('dialog').getByRole('button', { name: 'Make root', exact: true }).click();
  await tab.panel('Mote 0001').getByText(/^confirmed/).waitFor({ timeout: 30_000 });
  for (const words of ['log 2 E 0x0d 0x0c 7 7', 'log 3 C 0x0a 0x28 1 2', 'log 1 W 0x0e 0x0d 3 0', 'boot 3']) await router.happens(words);
  await until('the motes without a cable', async () => (await tab.row('0005').count()) > 0, 180_000);
  await until('neighbours', async () => (await tab.page.getByRole('cell', { name: /^-\d+$/ }).count()) >= 3, 60_000);
  await tab.close();
}

const SEVERE = new Set(['critical', 'serious']);

/** What axe-core finds critical or serious, in a line each. */
async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => SEVERE.has(impact))
    .flatMap(({ id, impact, nodes }) => nodes.map(({ target, failureSummary }) => `${impact} ${id}: ${target} ${failureSummary.replaceAll(/\s+/g, ' ')}`));
}

for (const [look, options] of Object.entries(LOOKS)) {
  for (const [name, [rest, sign]] of Object.entries(VIEWS)) {
    test(`${name}, ${look}`, async () => {
      const tab = await openTab(browser, options);
      await tab.open(host, rest);
      await tab.shows('LIVE');
      await sign(tab.page).first().waitFor();
      // What comes a moment later: charts, and the first figures.
      await tab.page.waitForLoadState('networkidle');
      await pause(1_200);
      if (PICTURES) await tab.page.screenshot({ path: join(PICTURES, `${name}-${look}.png`), fullPage: true });
      assert.equal(await tab.overhang(), 0, 'the page scrolls sideways');
      const current = await tab.page.getByRole('navigation', { name: 'Parts of the page' }).locator('[aria-current=page]').boundingBox();
      assert.ok(current.x >= 0 && current.x + current.width <= options.viewport.width, 'the name of the tab that is shown is out of sight');
      assert.deepEqual(await findings(tab.page), []);
      await tab.close();
    });
  }
}

test('the drawing is saved as a picture in its colours, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const tab = await openTab(browser, { colorScheme });
    await tab.open(host);
    await tab.hasMotes(['0001', '0005']);
    const button = tab.page.getByRole('button', { name: 'PNG', exact: true });
    const [download] = await Promise.all([tab.page.waitForEvent('download'), button.click()]);
    assert.equal(download.suggestedFilename(), 'dodag.png');
    const picture = await readFile(await download.path());
    if (PICTURES) await writeFile(join(PICTURES, `dodag-${colorScheme}.png`), picture);
    const { corner, colours } = await tab.page.evaluate(looksOf, picture.toString('base64'));
    const [panel, ...inks] = { light: ['#ffffff', '#1c2128', '#8a5c00'], dark: ['#171d24', '#e6edf3', '#e3b341'] }[colorScheme];
    assert.equal(corner, panel);
    for (const ink of inks) assert.ok(colours.includes(ink), `nothing is drawn in ${ink}`);
    await tab.close();
  }
});

/** In the page: the colour of a picture's corner, and those of more than a few pixels. */
async function looksOf(base64) {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]));
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colourAt = (at) => `#${[...data.slice(at, at + 3)].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
  const counts = new Map();
  for (let at = 0; at < data.length; at += 4) counts.set(colourAt(at), (counts.get(colourAt(at)) ?? 0) + 1);
  return { corner: colourAt(0), colours: [...counts].flatMap(([colour, count]) => (count > 20 ? [colour] : [])) };
}

test('the help and a question, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const tab = await openTab(browser, { colorScheme });
    await tab.open(host);
    await tab.hasMotes(['0002']);
    await tab.page.getByRole('button', { name: 'Keys' }).click();
    await tab.page.getByRole('dialog').waitFor();
    if (PICTURES) await tab.page.screenshot({ path: join(PICTURES, `help-${colorScheme}.png`) });
    assert.deepEqual(await findings(tab.page), []);
    await tab.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await tab.row('0002').getByRole('link').click();
    await tab.page.getByRole('button', { name: 'Make root: mote 0002' }).click();
    await tab.page.getByRole('dialog').waitFor();
    if (PICTURES) await tab.page.screenshot({ path: join(PICTURES, `question-${colorScheme}.png`) });
    assert.deepEqual(await findings(tab.page), []);
    await tab.close();
  }
});

test('what the page shows when there is no link, light and dark and on a phone', async () => {
  const alone = await GuiHost.start(place);
  for (const [look, options] of Object.entries(LOOKS)) {
    const tab = await openTab(browser, options);
    await tab.open(alone);
    await tab.shows('NO LBR');
    if (PICTURES) await tab.page.screenshot({ path: join(PICTURES, `no-lbr-${look}.png`), fullPage: true });
    assert.equal(await tab.overhang(), 0, 'the page scrolls sideways');
    assert.deepEqual(await findings(tab.page), []);
    await tab.close();
  }
  await alone.stop();
});

test('what is lost, light and dark and on a phone', async () => {
  const tabs = [];
  for (const [look, options] of Object.entries(LOOKS)) {
    const tab = await openTab(browser, options);
    await tab.open(host);
    await tab.shows('LIVE');
    tabs.push([look, tab]);
  }
  router.uiProxy.kill();
  for (const [look, tab] of tabs) {
    await tab.shows('LOST');
    if (PICTURES) await tab.page.screenshot({ path: join(PICTURES, `lost-${look}.png`), fullPage: true });
    assert.equal(await tab.overhang(), 0, 'the page scrolls sideways');
    assert.deepEqual(await findings(tab.page), []);
    await tab.close();
  }
});
