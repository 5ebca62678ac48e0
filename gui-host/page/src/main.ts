// Wiring: the styles, the theme, the clock, the session, the page.

import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { Session } from './lib/session.svelte';
import { theme } from './lib/theme.svelte';
import { ticker } from './lib/ticker.svelte';

const place = document.getElementById('app');
if (place === null) throw new Error('index.html has no element with the id "app"');

theme.start();
ticker.start();
const session = new Session();
mount(App, { target: place, props: { session } });
session.start();
