import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEventLog, type EventLog, type Passage, systemClock } from '../src/core/index.ts'
import { createAdmission, createErrands } from '../src/gateway/index.ts'
import type { LocalFrontOptions } from '../src/http/index.ts'
import { createOwnership } from '../src/store/index.ts'

export interface Passing {
  /** What a front needs to relay what servers keep. */
  readonly passages: NonNullable<LocalFrontOptions['passages']>
  readonly log: EventLog
  readonly stop: () => void
}

export interface PassingOptions {
  readonly maxRunningPerPrincipal?: number
  readonly headersMs?: number
  readonly idleMs?: number
  /** Where whose things are is kept; a new place when missing. */
  readonly folder?: string
}

export function startPassing(all: () => readonly Passage[], options: PassingOptions = {}): Passing {
  const { maxRunningPerPrincipal = 16, headersMs = 5_000, idleMs = 5_000 } = options
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'parley-kept-'))
  const ownership = createOwnership(join(folder, 'ownership.db'), { clock: systemClock })
  const log = createEventLog(() => systemClock.now())
  const admission = createAdmission({ maxRunning: 64, maxRunningPerPrincipal })
  const errands = createErrands({ log, clock: systemClock, admission })
  return {
    passages: { all, ownership, errands, headersMs, idleMs },
    log,
    stop: () => {
      ownership.close()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
