// Chromium, and pages in it that are watched: whatever the browser complains of fails the test.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { until } from './waiting.mjs';

const CHROMIUM = process.env.LBR_CHROMIUM ?? '/usr/bin/chromium';

export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** What a browser says by itself when a server is gone, or is going; a page cannot keep it from saying so. */
export const GONE = /WebSocket connection to .* failed: (?!.*Unexpected response)|WebSocket is closed before/;

/** `args` are more options of Chromium. */
export function launch(args = []) {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', ...args] });
}

/** A tab of its own, with nothing of other tabs in it. */
export async function openTab(browser, { viewport = WIDE, colorScheme = 'light', ...options } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, ...options });
  context.setDefaultTimeout(30_000);
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`securitypolicyviolation ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return new Tab(await context.newPage());
}

export class Tab {
  page;
  /** What the browser complained of. */
  complaints = [];

  constructor(page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.stack ?? error}`));
    // Asked for later, a dialog of the browser's own would keep the page waiting.
    page.on('dialog', (dialog) => this.complaints.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  }

  async open(host, rest = '') {
    await this.page.goto(host.page(rest));
  }

  /** The state in the header, as it is read aloud: `LIVE, roof`. */
  async state() {
    const said = await this.page.getByRole('banner').getByRole('status').first().textContent();
    return said.trim().split(',')[0];
  }

  async shows(state, within) {
    await until(`the page to show ${state}`, async () => (await this.state()) === state, within).catch(async (error) => {
      throw new Error(`${error.message}; it shows ${await this.state()}`);
    });
  }

  tabs() {
    return this.page.getByRole('navigation', { name: 'Parts of the page' }).getByRole('link');
  }

  /** Goes to one of the page's tabs by its name. */
  async choose(name) {
    const link = this.page.getByRole('navigation', { name: 'Parts of the page' }).getByRole('link', { name, exact: true });
    await link.click();
    await until(`the tab ${name}`, async () => (await link.getAttribute('aria-current')) === 'page');
  }

  /** The part of the page under a heading. */
  panel(name) {
    const heading = this.page.getByRole('heading', { name });
    return this.page.getByRole('region', { name }).or(this.page.locator('section').filter({ has: heading })).first();
  }

  /** The row of a mote in the table of motes. */
  row(name) {
    return this.page.getByRole('row').filter({ has: this.page.getByRole('rowheader', { name, exact: true }) });
  }

  async hasMotes(names) {
    for (const name of names) await this.row(name).waitFor({ timeout: 60_000 });
  }

  /** Pixels that the page is wider than its window. */
  overhang() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  }

  /** Fails if the browser complained of anything but what is expected here. */
  isClean(expected = null) {
    const others = this.complaints.filter((complaint) => expected === null || !expected.test(complaint));
    assert.deepEqual(others, [], 'the browser complains');
  }

  async close(expected = null) {
    this.isClean(expected);
    await this.page.context().close();
  }
}
