// The states of the link, each as a person comes to see it: the parts of a real stack are stopped, killed and started again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GONE, launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { PlayedRouter } from './lib/played-router.mjs';
import { Router } from './lib/router.mjs';
import { freePort } from './lib/sshd.mjs';
import { writeFile } from 'node:fs/promises';

let place, host, router, browser, tab;

before(async () => {
  place = await Place.take('states');
  host = await GuiHost.start(place);
  router = await Router.start(place, { motes: 2, url: host.link });
  browser = await launch();
  tab = await openTab(browser);
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await host?.stop();
  await place?.leave();
});

test('NO LBR: the commands to connect one are there to copy', async () => {
  await tab.open(host);
  await tab.shows('NO LBR');
  await tab.page.getByText(/^ssh -N -T .*-R 127\.0\.0\.1:\d+:localhost:\d+ USER@LBR$/).waitFor();
  await tab.page.getByText(/^ssh USER@LBR pkill -USR1/).waitFor();
  await tab.page.getByRole('heading', { name: 'Routers on the local network' }).waitFor();
  // Whichever there are where the tests run: the search has an end, and can be made again.
  await tab.page.getByRole('button', { name: 'Look again' }).waitFor();
  assert.equal(await tab.page.getByText('They could not be looked for').count(), 0);
  tab.isClean();
});

test('LIVE: the woken router and its motes are there without a reload', async () => {
  router.wake();
  await tab.shows('LIVE');
  await tab.hasMotes(['0001', '0002']);
  assert.match(await tab.page.title(), /^LIVE · roof/);
  assert.equal(await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).isEnabled(), true);
  tab.isClean();
});

test('STALE: a router that hangs is told with its age, and nothing can be asked of it', async () => {
  router.uiProxy.signal('SIGSTOP');
  await tab.shows('STALE');
  await tab.page.getByText(/^STALE \d+ s$/).waitFor();
  await tab.page.getByRole('heading', { name: 'The border router is silent' }).waitFor();
  assert.equal(await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).isEnabled(), false);
  await tab.hasMotes(['0001', '0002']);
  router.uiProxy.signal('SIGCONT');
  await tab.shows('LIVE');
  assert.equal(await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).isEnabled(), true);
  tab.isClean();
});

test('STALE after 20 s: a router whose link answers, and that says nothing; another one does not take its place', async () => {
  const open = await GuiHost.startOpen(place);
  const played = await PlayedRouter.connect(open.link, { motes: 3, hz: 2 });
  const other = await openTab(browser);
  await other.open(open);
  await other.shows('LIVE');
  const second = await PlayedRouter.connect(open.link, { motes: 3, hz: 2, number: 2 });
  const routers = other.page.getByRole('combobox', { name: 'Router' });
  await routers.waitFor();
  played.isSilent = true;
  const began = performance.now();
  await other.shows('STALE');
  const after = performance.now() - began;
  assert.ok(after > 18_000, `after ${after} ms`);
  await other.page.getByText('no message for 20 s').waitFor();
  assert.equal(await other.page.getByRole('button', { name: /^Echo test: mote 0001/ }).isEnabled(), false);
  await routers.selectOption({ index: 1 });
  await other.shows('LIVE');
  await other.page.getByRole('button', { name: /^Reset mote: mote 0101/ }).click();
  await other.page.getByRole('dialog').getByText(/^Reset mote 0101 at .+\?$/).waitFor();
  await other.page.keyboard.press('Escape');
  await routers.selectOption({ index: 0 });
  await other.shows('STALE');
  played.isSilent = false;
  await other.shows('LIVE');
  await other.close();
  played.close();
  second.close();
  await open.stop();
});

test('LOST: a router that is gone leaves what it told, and comes back', async () => {
  router.uiProxy.kill();
  await tab.shows('LOST');
  await tab.page.getByRole('heading', { name: 'The link to the border router was lost' }).waitFor();
  await tab.page.getByText(/^ssh -N -T /).waitFor();
  await tab.hasMotes(['0001', '0002']);
  assert.equal(await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).isEnabled(), false);
  await router.startUiProxy();
  router.wake();
  await tab.shows('LIVE');
  tab.isClean();
});

test('NO SERVER: a host that hangs is noticed by its silence', async () => {
  host.program.signal('SIGSTOP');
  await tab.shows('NO SERVER');
  await tab.page.getByText(/gui-host does not answer/).waitFor();
  host.program.signal('SIGCONT');
  await tab.shows('LIVE');
  tab.isClean(GONE);
});

test('NO SERVER: the page says so, keeps trying, and knows a host that was started again from the one it had', async () => {
  await host.stop();
  await tab.shows('NO SERVER');
  await tab.page.getByRole('heading', { name: 'No connection to gui-host' }).waitFor();
  await tab.page.getByRole('button', { name: 'Try now' }).waitFor();
  await tab.hasMotes(['0001', '0002']);
  assert.equal(await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).isEnabled(), false);

  host = await GuiHost.start(place, ['--port', `${host.port}`, '--link-port', `${host.linkPort}`]);
  await tab.page.getByText(/does not accept this page’s token/).waitFor({ timeout: 30_000 });
  await tab.shows('NO SERVER');
  await tab.open(host);
  await tab.shows('LIVE').catch((error) => {
    throw new Error(`${error.message}; ui-proxy's last words:\n${router.uiProxy.stderr.slice(-8).join('\n')}`);
  });
  tab.isClean(GONE);
});

test('CONNECTING: the stages of a tunnel that does not come about are told with the words of ssh', async () => {
  const nobody = await freePort();
  await writeFile(place.path('nobody'), `Host router\n HostName 127.0.0.1\n Port ${nobody}\n`);
  const waiting = await GuiHost.start(place, ['--lbr', 'me@router', '--ssh-config', place.path('nobody')]);
  const other = await openTab(browser);
  await other.open(waiting);
  await other.shows('CONNECTING');
  await other.page.getByText(`ssh: connect to host 127.0.0.1 port ${nobody}: Connection refused`).first().waitFor({ timeout: 30_000 });
  for (const stage of ['ssh started', 'forward accepted', 'wake-up sent', 'link open', 'first inventory']) {
    await other.page.getByRole('listitem').filter({ hasText: stage }).waitFor();
  }
  await other.close();
  await waiting.stop();
});
