// Lints beyond types: what TypeScript lets pass and Svelte's compiler does not look at.

import ts from 'typescript-eslint';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';

export default ts.config(
  { ignores: ['dist/', 'node_modules/'] },
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  { files: ['dev/**', '*.config.js'], languageOptions: { globals: { ...globals.node } } },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      // What a mote says reaches the page as text only, whatever it says.
      'svelte/no-at-html-tags': 'error',
      'svelte/require-each-key': 'error',
      // An inline style attribute is refused by the content security policy. `style:` directives go by the CSSOM, which is not.
      'no-restricted-syntax': ['error', { selector: "SvelteAttribute[key.name='style']", message: 'use a class or a style: directive' }],
      // The page has one address, and no router of SvelteKit.
      'svelte/no-navigation-without-resolve': 'off',
      // Maps and sets in the model are immutable: a new one is made, and none is watched.
      'svelte/prefer-svelte-reactivity': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { files: ['dev/**'], rules: { 'no-console': 'off' } },
);
