import { CommanderError } from 'commander'
import { failureOf, showFailure } from './failure.ts'
import { createProgram } from './program.ts'

/** The process: runs the command line and ends with the exit code of what happened. */
async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram()
  try {
    await program.parseAsync(argv)
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return
    const failure = failureOf(cause, AbortSignal.abort())
    process.exitCode = failure.exitCode
    process.stderr.write(`${showFailure(failure, program.opts<{ json?: boolean }>().json === true)}\n`)
  }
}

// A reader that has seen enough, as in `parley models | head -1`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

await main(process.argv)
await Promise.all([process.stdout, process.stderr].map(stream => new Promise(resolve => stream.write('', resolve))))
// What was started has been stopped; an idle connection must not keep the process.
process.exit()
