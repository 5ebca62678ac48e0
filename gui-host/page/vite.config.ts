// How the page is built. The output must run under gui-host's content security policy: no inline script or style,
// nothing from another origin, and the same bytes from the same sources.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    // A tenth smaller than esbuild's. Reading a property may have consequences here: that is how Svelte learns what a
    // figure hangs on.
    minify: 'terser',
    terserOptions: { ecma: 2020, compress: { passes: 3, pure_getters: false } },
  },
  // `npm run dev` takes its data from a gui-host, or from `npm run fake`, on the usual port. gui-host speaks only to the
  // page of its own address, so the origin is changed on the way.
  server: {
    proxy: {
      '/ws': {
        target: 'ws://127.0.0.1:8080',
        ws: true,
        changeOrigin: true,
        configure: (proxy) => proxy.on('proxyReqWs', (request) => request.setHeader('origin', 'http://127.0.0.1:8080')),
      },
    },
  },
  // Under test, components are mounted in happy-dom: Svelte must resolve to its browser build.
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
}));
