// Wiring: the styles, the theme, the clock, the session, the page.

import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { Session } from './lib/session.svelte';
import { theme } from './lib/theme.svelte';
import { ticker } from './lib/ticker.svelte';

const place = document.getElementById('app');
if (place === null) throw new Error('index.html has no element with the id "app"');

const session = new Session();
session.start();
theme.start();
ticker.start();

/** The page waits no longer than this for a host that does not answer at once. */
const PATIENCE_MS = 50;

// First the question goes out; while gui-host works on the answer, the page is put together.
void Promise.race([session.reached, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]).then(() =>
  mount(App, { target: place, props: { session } }),
);
