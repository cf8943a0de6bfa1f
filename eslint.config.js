/**
 * @file Lint rules. Fast ones nearly everywhere; the few that need types run where promises are (a forgotten one hides an error
 * of the device). Layout is prettier's. The project's own invariants (imports, words, lengths, documentation) are tests, in test/arch/.
 */
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'runs/', '.cache/', '.gpu/', 'coverage/', '**/*.d.ts', 'docs/generated/'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.{ts,js,mjs}'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-unused-expressions': 'off',
      '@typescript-eslint/no-unused-expressions': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-fallthrough': 'error',
      'no-self-compare': 'error',
      'no-throw-literal': 'error',
      'no-unreachable-loop': 'error',
      'no-template-curly-in-string': 'error',
      'default-case-last': 'error',
      'array-callback-return': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'a union of strings says the same and is plain data' },
        { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'files are the modules' },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'as' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
    },
  },
  {
    // Tests run generated code, which is text.
    files: ['test/**/*.ts'],
    rules: { 'no-new-func': 'off' },
  },
  {
    files: ['runtime/**/*.ts', 'cli/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
    },
  },
);
