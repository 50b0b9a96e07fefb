import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { ParleyError } from '../core/index.ts'

/** Questions to the person at the terminal. Where nobody sits, every question is an error that names the flag instead. */
export interface Prompt {
  readonly isInteractive: boolean
  /** A yes; `--yes` says it beforehand. */
  readonly confirm: (question: string) => Promise<void>
  /** Typed without being shown. `instead` says how to give it without a terminal. */
  readonly secret: (question: string, instead: string) => Promise<string>
}

export interface PromptOptions {
  readonly stdin: NodeJS.ReadStream
  readonly stderr: NodeJS.WriteStream
  readonly isYes: boolean
  readonly mayAsk: boolean
  readonly signal: AbortSignal
}

export function createPrompt({ stdin, stderr, isYes, mayAsk, signal }: PromptOptions): Prompt {
  const isInteractive = mayAsk && !isYes && stdin.isTTY && stderr.isTTY
  const ask = async (question: string, isShown: boolean): Promise<string> => {
    stderr.write(question)
    const screen = new Writable({
      write: (piece, _encoding, done) => void (isShown ? stderr.write(piece, done) : done()),
    })
    const lines = createInterface({ input: stdin, output: screen, terminal: true })
    // In raw mode the terminal hands Ctrl-C to us instead of turning it into a signal.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    try {
      return await lines.question('', { signal })
    } catch (cause) {
      throw ParleyError.from(cause, signal, 'cancelled')
    } finally {
      lines.close()
      if (!isShown) stderr.write('\n')
    }
  }
  return {
    isInteractive,
    confirm: async question => {
      if (isYes) return
      if (!isInteractive) throw new ParleyError('usage', `${question} Say yes with --yes`)
      const answer = await ask(`${question} [y/N] `, true)
      if (!/^y(es)?$/i.test(answer.trim())) throw new ParleyError('usage', 'nothing was done: the answer was no')
    },
    secret: async (question, instead) => {
      if (!isInteractive)
        throw new ParleyError('wallet_locked', `${question.trim()} needs an answer and nobody can be asked; ${instead}`)
      return ask(question, false)
    },
  }
}

/** All of a stream that was piped in, up to `maxBytes`. */
export async function readAll(stdin: NodeJS.ReadStream, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stdin as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > maxBytes)
      throw new ParleyError('too_large', `standard input is longer than ${maxBytes} bytes; send less`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
