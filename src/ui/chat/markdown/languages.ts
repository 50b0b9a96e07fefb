import { createBundledHighlighter } from 'shiki/core'
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript'

/**
 * What stands in for the whole of `shiki` in these pages (see vite.config.ts): the languages people ask for in chats, in
 * place of three hundred. Each comes when the first code in it is seen; code in others has no colours.
 */
export const bundledLanguages = {
  c: () => import('@shikijs/langs/c'),
  cpp: () => import('@shikijs/langs/cpp'),
  csharp: () => import('@shikijs/langs/csharp'),
  css: () => import('@shikijs/langs/css'),
  diff: () => import('@shikijs/langs/diff'),
  docker: () => import('@shikijs/langs/docker'),
  go: () => import('@shikijs/langs/go'),
  graphql: () => import('@shikijs/langs/graphql'),
  html: () => import('@shikijs/langs/html'),
  ini: () => import('@shikijs/langs/ini'),
  java: () => import('@shikijs/langs/java'),
  javascript: () => import('@shikijs/langs/javascript'),
  json: () => import('@shikijs/langs/json'),
  jsx: () => import('@shikijs/langs/jsx'),
  kotlin: () => import('@shikijs/langs/kotlin'),
  lua: () => import('@shikijs/langs/lua'),
  make: () => import('@shikijs/langs/make'),
  markdown: () => import('@shikijs/langs/markdown'),
  php: () => import('@shikijs/langs/php'),
  powershell: () => import('@shikijs/langs/powershell'),
  python: () => import('@shikijs/langs/python'),
  r: () => import('@shikijs/langs/r'),
  ruby: () => import('@shikijs/langs/ruby'),
  rust: () => import('@shikijs/langs/rust'),
  shellscript: () => import('@shikijs/langs/shellscript'),
  solidity: () => import('@shikijs/langs/solidity'),
  sql: () => import('@shikijs/langs/sql'),
  swift: () => import('@shikijs/langs/swift'),
  toml: () => import('@shikijs/langs/toml'),
  tsx: () => import('@shikijs/langs/tsx'),
  typescript: () => import('@shikijs/langs/typescript'),
  xml: () => import('@shikijs/langs/xml'),
  yaml: () => import('@shikijs/langs/yaml'),
}

type Language = keyof typeof bundledLanguages

const aliases: Partial<Record<Language, readonly string[]>> = {
  cpp: ['c++'],
  csharp: ['c#', 'cs'],
  docker: ['dockerfile'],
  graphql: ['gql'],
  html: ['htm', 'svg'],
  ini: ['properties', 'conf'],
  javascript: ['js', 'cjs', 'mjs'],
  json: ['jsonc', 'json5', 'jsonl'],
  kotlin: ['kt', 'kts'],
  make: ['makefile'],
  markdown: ['md'],
  powershell: ['ps', 'ps1'],
  python: ['py'],
  ruby: ['rb'],
  rust: ['rs'],
  shellscript: ['bash', 'sh', 'shell', 'zsh', 'console'],
  typescript: ['ts', 'cts', 'mts'],
  yaml: ['yml'],
}

export const bundledLanguagesInfo = Object.entries(aliases).map(([id, names]) => ({ id, aliases: names }))

export const createHighlighter = createBundledHighlighter({
  langs: bundledLanguages,
  themes: {
    'github-light': () => import('@shikijs/themes/github-light'),
    'github-dark': () => import('@shikijs/themes/github-dark'),
  },
  engine: () => createJavaScriptRegexEngine({ forgiving: true }),
})
