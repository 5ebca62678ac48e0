// The panels with charts, apart because the chart library is as large as all the rest: it comes after the first sight.
// With them comes what saves the drawing as a picture.

export { default as History } from './HistoryView.svelte';
export { default as Traffic } from './TrafficPanel.svelte';
export { savePicture } from '../parts/picture';
