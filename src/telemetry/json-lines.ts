import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DestinationStream } from 'pino'
import { ParleyError } from '../core/index.ts'
import type { LogRecord } from './log-record.ts'

/** Writes records as JSON, one per line. */
export interface JsonLines {
  readonly write: (record: LogRecord) => void
  readonly close: () => void
}

interface Target extends DestinationStream {
  readonly close: () => void
}

/** How much may wait for a slow disk; what comes then is dropped. */
const heldMaxBytes = 8 * 1024 * 1024

/** To a stream that takes whole lines. */
export async function createJsonLines(write: (line: string) => void): Promise<JsonLines> {
  return printing({ write: line => write(line.trimEnd()), close: () => {} })
}

/**
 * To a file; when it has grown to `maxBytes` it is set aside as `<file>.1`, in place of the one before. Throws
 * `config_invalid` when it cannot be written.
 */
export async function createJsonFile(path: string, maxBytes: number): Promise<JsonLines> {
  return printing(await openFile(path, maxBytes))
}

async function printing(target: Target): Promise<JsonLines> {
  const { default: pino } = await import('pino')
  const settings = { level: 'debug', base: null, timestamp: false, messageKey: 'message' }
  const logger = pino({ ...settings, formatters: { level: level => ({ level }) } }, target)
  return {
    write: ({ timestamp, level, component, message, requestId, fields }) =>
      logger[level]({ time: new Date(timestamp).toISOString(), component, requestId, fields }, message),
    close: target.close,
  }
}

/** A file that is appended to without waiting for the disk. What a failing disk refuses is lost; the node goes on. */
async function openFile(path: string, maxBytes: number): Promise<Target> {
  checkWritable(path)
  const { default: pino } = await import('pino')
  const file = pino.destination({ dest: path, sync: false, maxLength: heldMaxBytes, mode: 0o600 })
  file.on('error', () => {})
  await once(file, 'ready')
  let size = statSync(path).size
  let isOpen = true
  return {
    write: line => {
      if (!isOpen) return
      size += Buffer.byteLength(line)
      file.write(line)
      if (size >= maxBytes && setAside(path)) {
        size = 0
        file.reopen()
      }
    },
    close: () => {
      if (isOpen) file.end()
      isOpen = false
    },
  }
}

/** A stream that could not be opened throws once more when the process ends: it is not even made. */
function checkWritable(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  } catch (cause) {
    throw new ParleyError('config_invalid', `the log file ${path} cannot be written; check log.file`, { cause })
  }
}

function setAside(path: string): boolean {
  try {
    renameSync(path, `${path}.1`)
    return true
  } catch {
    return false
  }
}
