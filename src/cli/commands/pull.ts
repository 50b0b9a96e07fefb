import type { Command } from 'commander'
import { createDirectories } from '../../config/index.ts'
import { bytes } from '../../core/index.ts'
import { action } from '../context.ts'
import { createProgress } from '../progress.ts'

export function addPull(program: Command): void {
  program
    .command('pull')
    .argument('<source>', 'hf:user/repo/file.gguf, hf:user/repo:Q4_K_M, an https URL, or a path')
    .option('--sha256 <digest>', 'what the file must be, as 64 hexadecimal digits')
    .description('bring a GGUF model into the models directory; an interrupted pull continues where it stopped')
    .addHelpText('after', '\nExample:\n  $ parley pull hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf')
    .action(
      action(
        async ({ load, out, stderr, clock, random, signal, env }, source: string, { sha256 }: { sha256?: string }) => {
          const { config } = load()
          createDirectories(config.paths)
          const { pullModel } = await import('../../jobs/index.ts')
          const progress = createProgress(stderr, 'pulling', clock)
          try {
            const pulled = await pullModel({
              source,
              directory: config.models.directory,
              signal,
              clock,
              random,
              environment: env,
              onProgress: ({ bytes: done, total }) => progress.update(done, total),
              ...(sha256 !== undefined && { sha256 }),
            })
            progress.finish()
            out.answer(pulled, ({ path, sizeBytes, sha256: sum }) => `${path}\n${bytes(sizeBytes)}, sha256 ${sum}`)
            out.say(
              `serve it with:\n\n[[models.local]]\nid = "${idOf(pulled.name)}"\npath = "${pulled.name}"\n\nin ${config.paths.configFile}`,
            )
          } finally {
            progress.finish()
          }
        },
      ),
    )
}

/** A public name for a file: `Qwen3-0.6B-Q8_0.gguf` is `qwen3-0.6b`. */
function idOf(name: string): string {
  return name
    .replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '')
    .replace(/[-.](I?Q\d\w*|F16|BF16|F32)$/i, '')
    .toLowerCase()
}
