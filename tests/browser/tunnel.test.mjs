// The link as people have it: a real SSH server, a reverse tunnel that the host makes, and a signal through SSH.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, openTab } from './lib/browser.mjs';
import { GuiHost } from './lib/gui-host.mjs';
import { Place } from './lib/place.mjs';
import { Router } from './lib/router.mjs';
import { Site } from './lib/site.mjs';
import { Sshd, freePort } from './lib/sshd.mjs';

let place, sshd, router, host, browser, tab, site, tunnelPort;

before(async () => {
  place = await Place.take('tunnel');
  sshd = await Sshd.start(place);
  tunnelPort = await freePort();
  // Only ours is to be woken: another `ui-proxy` on this machine is none of our business. It does not run yet.
  const pidFile = place.path('ui-proxy.pid');
  await writeFile(pidFile, '0');
  const wake = `pkill -USR1 -x -F ${pidFile} ui-proxy`;
  host = await GuiHost.start(place, ['--lbr', sshd.target, '--ssh-config', sshd.config, '--remote-port', `${tunnelPort}`, '--wake-command', wake]);
  browser = await launch();
  tab = await openTab(browser);
});

after(async () => {
  await browser?.close();
  await site?.close();
  await host?.stop();
  await router?.stop();
  await sshd?.stop();
  await place?.leave();
});

const stage = (name, state) => tab.page.getByRole('listitem').filter({ hasText: `${name}: ${state}` });

test('the page follows the tunnel stage by stage until the router is live', async () => {
  await tab.open(host);
  await tab.shows('CONNECTING');
  await stage('ssh started', 'done').waitFor();
  await stage('first inventory', 'pending').waitFor();
  // The tunnel is there, and nobody to be woken.
  await stage('wake-up sent', 'failed').waitFor({ timeout: 30_000 });

  router = await Router.start(place, { motes: 2, url: `ws://localhost:${tunnelPort}/lbr` });
  await writeFile(place.path('ui-proxy.pid'), `${router.uiProxy.pid}`);
  await tab.shows('LIVE');
  await tab.hasMotes(['0001', '0002']);
  tab.isClean();
});

test('what is asked goes through the tunnel and its outcome comes back', async () => {
  await tab.page.getByRole('button', { name: 'Make root: mote 0001' }).click();
  await tab.page.getByRole('dialog').getByRole('button', { name: 'Make root', exact: true }).click();
  await tab.panel('Mote 0001').getByText(/^confirmed/).waitFor({ timeout: 30_000 });
  tab.isClean();
});

test('a tunnel that is cut is seen, and comes back by itself with what was there', async () => {
  await sshd.cut();
  await tab.shows('LOST');
  await tab.hasMotes(['0001', '0002']);
  await tab.shows('LIVE');
  await tab.page.getByRole('button', { name: 'Stop being root: mote 0001' }).waitFor();
  tab.isClean();
});

test('through the tunnel’s port nobody gets the page or a viewer’s socket', async () => {
  for (const name of ['127.0.0.1', 'localhost']) {
    for (const path of ['/', '/index.html', '/ws', '/wslink', '/history/x', '/lbr']) {
      const answer = await fetch(`http://${name}:${tunnelPort}${path}`);
      assert.ok(answer.status >= 400, `${path}: ${answer.status}`);
      assert.doesNotMatch(await answer.text(), /<html|<script/i, path);
    }
  }
  const refused = await openTab(browser);
  // A refusal without words is shown by Chromium as an error of its own.
  const shown = await refused.page.goto(`http://127.0.0.1:${tunnelPort}/`).then((answer) => answer.status(), (error) => `${error}`);
  assert.match(`${shown}`, /^4\d\d$|ERR_HTTP_RESPONSE_CODE_FAILURE/);
  assert.equal(await refused.page.locator('#app').count(), 0);
  await refused.page.context().close();
  // A tab of its own: the browser may still be on its way to its page about the refusal.
  const other = await openTab(browser);
  site = await Site.open();
  await other.page.goto(`http://127.0.0.1:${site.port}/`);
  for (const path of ['ws', 'lbr', 'wslink']) {
    const opened = await other.page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url, url.endsWith('lbr') ? 'openwsn-lbr.v1' : []);
          socket.onopen = () => resolve('open');
          socket.onerror = () => resolve('refused');
        }),
      `ws://127.0.0.1:${tunnelPort}/${path}`,
    );
    assert.equal(opened, 'refused', path);
  }
  assert.match(other.complaints.join('\n'), /Unexpected response code: 403/);
  await other.page.context().close();
  assert.equal(await tab.state(), 'LIVE');
});
