// What a person asks of a mote, and what comes of it: confirmed, refused, timed out; and who hears of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Router } from './lib/router.mjs';
import { until } from './lib/waiting.mjs';

let place, host, router, browser, tab;

before(async () => {
  place = await Place.take('commands');
  host = await GuiHost.start(place);
  router = await Router.start(place, { motes: 3, url: host.link });
  router.wake();
  browser = await launch();
  tab = await openTab(browser);
  await tab.open(host);
  await tab.hasMotes(['0001', '0002', '0003']);
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await host?.stop();
  await place?.leave();
});

/** Chooses the mote that commands are for. */
async function pick(of, name) {
  const list = of.page.getByRole('combobox', { name: /^Mote/ });
  // They are there when this part of the page is.
  const label = await until(`mote ${name} to choose from`, async () => (await list.getByRole('option').allInnerTexts()).find((option) => option.startsWith(name)));
  await list.selectOption({ label });
}

/** The newest line of the tab Commands that has these words. */
const trail = (of, words) => of.page.getByRole('listitem').filter({ hasText: words }).first();

/** Presses a button of a mote, and answers the question that is put. */
async function ask(of, button, answer) {
  await of.page.getByRole('button', { name: button }).click();
  await of.page.getByRole('dialog').getByRole('button', { name: answer, exact: true }).click();
}

test('a role is asked for, is pending, and is confirmed by the mote’s own word; another viewer sees the role and not the command', async () => {
  const other = await openTab(browser, { colorScheme: 'dark' });
  await other.open(host, 'tab=commands');
  await other.shows('LIVE');

  await tab.choose('commands');
  await pick(tab, '0001');
  // Nobody answers until what stands there meanwhile has been seen.
  router.motes.signal('SIGSTOP');
  await ask(tab, 'Make root: mote 0001', 'Make root');
  const line = trail(tab, 'make root');
  await line.getByText(/^(pending|accepted|sent)/).first().waitFor();
  assert.equal(await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).getAttribute('aria-disabled'), 'true');
  router.motes.signal('SIGCONT');
  await line.getByText(/^confirmed/).waitFor({ timeout: 30_000 });
  await line.getByText('the mote reports that it is DAG root').waitFor();
  await tab.page.getByRole('button', { name: 'Stop being root: mote 0001' }).waitFor();

  await other.page.getByRole('button', { name: 'Stop being root: mote 0001' }).waitFor({ timeout: 30_000 });
  await other.page.getByText('No command has been given yet.').waitFor();
  assert.equal(await other.page.getByText('confirmed').count(), 0);

  await other.choose('overview');
  await tab.choose('overview');
  for (const each of [tab, other]) {
    await each.row('0001').getByRole('cell', { name: /^root/ }).waitFor();
    await each.page.getByRole('banner').getByText('0001', { exact: true }).waitFor();
  }
  const cells = (of) => of.row('0002').getByRole('rowheader').textContent();
  assert.equal((await cells(tab)).trim(), (await cells(other)).trim());
  await other.close();
  tab.isClean();
});

test('a second root is warned of, and a person may leave it at that', async () => {
  await tab.choose('commands');
  await pick(tab, '0002');
  await tab.page.getByRole('button', { name: 'Make root: mote 0002' }).click();
  const dialog = tab.page.getByRole('dialog');
  await dialog.getByText('Mote 0001 is root already. Two roots make two networks.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await tab.page.getByRole('listitem').filter({ hasText: 'make root' }).count(), 1);
  tab.isClean();
});

test('an echo test tells its figures', async () => {
  await tab.page.getByRole('button', { name: 'Echo test: mote 0002' }).click();
  const line = trail(tab, 'echo test');
  await line.getByText(/^confirmed/).waitFor({ timeout: 40_000 });
  await line.getByText(/10/).first().waitFor();
  tab.isClean();
});

test('a toggle asks for the opposite of the role that was wanted last, and back again', async () => {
  await pick(tab, '0003');
  for (const role of ['is DAG root', 'is not DAG root']) {
    await tab.page.getByRole('button', { name: 'Toggle: mote 0003' }).click();
    const dialog = tab.page.getByRole('dialog', { name: 'Toggle the root role of mote 0003?' });
    await dialog.getByText('Mote 0001 is root already.').waitFor();
    await dialog.getByRole('button', { name: 'Toggle', exact: true }).click();
    const line = trail(tab, 'toggle root');
    await line.getByText(`the mote reports that it ${role}`).waitFor({ timeout: 30_000 });
    await line.getByText(/^confirmed/).waitFor();
  }
  await tab.page.getByRole('button', { name: 'Make root: mote 0003' }).waitFor();
  tab.isClean();
});

test('how a command ends is told to a page that was reloaded meanwhile, and to one that was opened then', async () => {
  await pick(tab, '0001');
  router.motes.signal('SIGSTOP');
  await ask(tab, 'Stop being root: mote 0001', 'Stop being root');
  const line = (of) => trail(of, 'stop being root');
  await line(tab).getByText(/^(accepted|sent)/).first().waitFor();
  await tab.page.reload();
  const other = await openTab(browser);
  await other.open(host, 'tab=commands');
  for (const each of [tab, other]) await line(each).getByText(/^(accepted|sent)/).first().waitFor();
  router.motes.signal('SIGCONT');
  for (const each of [tab, other]) await line(each).getByText(/^confirmed/).waitFor({ timeout: 30_000 });
  await other.close();
  tab.isClean();
});

test('what the router refuses is shown with its reason', async () => {
  await router.happens('unplug 2');
  await tab.choose('overview');
  await tab.row('0002').getByText(/^down/).waitFor({ timeout: 30_000 });
  await tab.choose('commands');
  await pick(tab, '0002');
  await ask(tab, 'Reset mote: mote 0002', 'Reset');
  const line = trail(tab, 'reset');
  await line.getByText(/^refused/).waitFor({ timeout: 30_000 });
  await line.getByText(/link-down: the port of .* is not open/).waitFor();
  tab.isClean();
});

test('a mote that hangs lets its command time out, and that is shown as no success', async () => {
  await router.happens('silence 3 60');
  await pick(tab, '0003');
  await ask(tab, 'Make root: mote 0003', 'Make root');
  const line = trail(tab, 'make root').filter({ hasText: '0003' });
  await line.getByText(/^(timed out)/).waitFor({ timeout: 60_000 });
  assert.equal(await line.getByText(/^confirmed/).count(), 0);
  tab.isClean();
});

test('after a reload what was asked is still there with its outcome', async () => {
  const before = await tab.page.getByRole('listitem').filter({ hasText: /make root|reset|echo test/ }).count();
  const told = await trail(tab, 'reset').innerText();
  await tab.page.reload();
  await tab.shows('LIVE');
  await until('the commands to be told again', async () => (await tab.page.getByRole('listitem').filter({ hasText: /make root|reset|echo test/ }).count()) >= before);
  await trail(tab, 'reset').getByText(/^refused/).waitFor();
  // Its time is that of the command, and not of the reload: the command that timed out meanwhile took half a minute.
  const time = (words) => words.match(/(\d\d):(\d\d):(\d\d)/).slice(1).reduce((sum, part) => sum * 60 + Number(part), 0);
  const apart = Math.abs(time(await trail(tab, 'reset').innerText()) - time(told));
  assert.ok(apart <= 3 || apart >= 86_397, `${apart} s between the times`);
  tab.isClean();
});
