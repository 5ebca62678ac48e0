// The tabs that are not needed for the first sight of the page, so that they can be fetched after it. By the tab's name.

export { default as commands } from './CommandsPanel.svelte';
export { default as counts } from './CountsPanel.svelte';
export { default as health } from './HealthPanel.svelte';
export { default as schedule } from './SchedulePanel.svelte';
export { default as help } from '../parts/Help.svelte';
export { default as table } from './TableElement.svelte';
export { default as offers } from '../parts/Offers.svelte';
export { default as echo } from '../parts/EchoFigures.svelte';
