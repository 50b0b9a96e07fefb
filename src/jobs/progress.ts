import { type Clock, systemClock } from '../core/index.ts'

export interface PullProgress {
  readonly file: string
  readonly bytes: number
  /** Unknown when the server does not say. */
  readonly total: number | undefined
  readonly bytesPerSecond: number
}

const everyMs = 200

/** Tells progress a few times a second, and at the end. */
export function progressReporter(
  file: { readonly name: string; readonly sizeBytes: number | undefined },
  { onProgress, clock = systemClock }: { onProgress?: (progress: PullProgress) => void; clock?: Clock },
) {
  const startedAt = clock.monotonic()
  let toldAt = Number.NEGATIVE_INFINITY
  let first: number | undefined
  let last = 0
  const tell = () => {
    const seconds = Math.max(0.001, (clock.monotonic() - startedAt) / 1_000)
    const bytesPerSecond = Math.max(0, Math.round((last - (first ?? 0)) / seconds))
    onProgress?.({ file: file.name, bytes: last, total: report.total, bytesPerSecond })
  }
  const report = {
    total: file.sizeBytes,
    bytes: (bytes: number) => {
      first ??= bytes
      last = bytes
      if (clock.monotonic() - toldAt < everyMs) return
      toldAt = clock.monotonic()
      tell()
    },
    end: tell,
  }
  return report
}
