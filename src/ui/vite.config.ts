import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The letters of formulas fit the version that draws them alone; others have other names for their sizes. */
function formulaStyle(): string {
  const math = fileURLToPath(import.meta.resolve('@streamdown/math'))
  const places = createRequire(math).resolve.paths('rehype-katex') ?? []
  const drawer = places.map(place => join(place, 'rehype-katex/package.json')).find(existsSync)
  return createRequire(drawer ?? math).resolve('katex/dist/katex.min.css')
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: [
      { find: /^shiki$/, replacement: join(import.meta.dirname, 'chat/markdown/shiki.ts') },
      { find: /^katex\/dist\/katex\.min\.css$/, replacement: formulaStyle() },
    ],
  },
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2_000,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every page needs comes in two pieces, not in thirty: browsers ask a node for six at a time.
          groups: [
            {
              name: 'frame',
              test: /node_modules\/(?:react|react-dom|scheduler|@tanstack|@radix-ui|i18next|react-i18next|lucide-react|zustand|clsx|tailwind-merge|sonner|tinykeys)\//,
              tags: ['$initial'],
            },
            { name: 'pages', test: /src\/(?:ui\/(?:app|client|parts|storage|words\/en)|openai)\//, tags: ['$initial'] },
          ],
        },
      },
    },
  },
})
