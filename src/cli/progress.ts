import { bytes, type Clock } from '../core/index.ts'

/** Tells how far long work is: one line that is redrawn on a terminal, else a new line every ten seconds. */
export interface Progress {
  readonly update: (done: number, total: number | undefined) => void
  readonly finish: () => void
}

export function createProgress(stderr: NodeJS.WriteStream, what: string, clock: Clock): Progress {
  const intervalMs = stderr.isTTY ? 100 : 10_000
  const startedAt = clock.monotonic()
  let shownAt = stderr.isTTY ? -Infinity : startedAt
  const show = (done: number, total: number | undefined) => {
    const seconds = Math.max(0.001, (clock.monotonic() - startedAt) / 1000)
    const line = `${what} ${share(done, total, stderr.isTTY)} ${bytes(done)}${total === undefined ? '' : ` of ${bytes(total)}`}, ${bytes(done / seconds)}/s`
    stderr.write(stderr.isTTY ? `\r\u001b[K${line.slice(0, stderr.columns || 80)}` : `${line}\n`)
  }
  return {
    update: (done, total) => {
      if (clock.monotonic() - shownAt < intervalMs) return
      shownAt = clock.monotonic()
      show(done, total)
    },
    finish: () => void (stderr.isTTY && stderr.write('\r\u001b[K')),
  }
}

function share(done: number, total: number | undefined, isDrawn: boolean): string {
  if (total === undefined || total <= 0) return ''
  const part = Math.min(1, done / total)
  const percent = `${Math.floor(part * 100)} %`
  if (!isDrawn) return percent
  const width = 24
  const filled = Math.round(part * width)
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${percent}`
}
