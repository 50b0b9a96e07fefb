import { join } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: [{ find: /^shiki$/, replacement: join(import.meta.dirname, 'chat/markdown/shiki.ts') }],
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
              test: /node_modules\/(?:react|react-dom|scheduler|@tanstack|@radix-ui|i18next|react-i18next|lucide-react|zustand|clsx|tailwind-merge|sonner|cmdk|tinykeys)\//,
              tags: ['$initial'],
            },
            { name: 'pages', test: /src\/(?:ui\/(?:app|client|parts|storage|words\/en)|openai)\//, tags: ['$initial'] },
          ],
        },
      },
    },
  },
})
