import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/**
 * Makes the header proxy deployable alone: `worker.mjs` for runtimes that take a module with a `fetch`, `lambda.mjs` for
 * functions on Node. Each is one file with nothing beside it. The folder may be named; it is `dist/header-proxy` else.
 */
async function main(folder = 'dist/header-proxy'): Promise<void> {
  for (const name of ['worker', 'lambda'] as const) await bundle(name, folder)
}

async function bundle(name: 'worker' | 'lambda', outDir: string): Promise<void> {
  const entry = fileURLToPath(new URL(`../src/http/header-proxy/${name}.ts`, import.meta.url))
  await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    ssr: { noExternal: true, target: name === 'worker' ? 'webworker' : 'node' },
    build: {
      ssr: entry,
      outDir,
      emptyOutDir: false,
      minify: false,
      target: 'es2024',
      rolldownOptions: {
        // What a file of ours imports and does not use is left out with all behind it.
        treeshake: { moduleSideEffects: false },
        output: { entryFileNames: `${name}.mjs`, codeSplitting: false },
      },
    },
  })
}

await main(process.argv[2])
