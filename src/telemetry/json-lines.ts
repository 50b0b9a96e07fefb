import { renameSync, statSync } from 'node:fs'
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
  const { default: pino } = await import('pino')
  const file = pino.destination({ dest: path, mkdir: true, sync: false, maxLength: heldMaxBytes, mode: 0o600 })
  const { promise: isReady, resolve, reject } = Promise.withResolvers<void>()
  file.once('ready', resolve).on('error', reject)
  try {
    await isReady
  } catch (cause) {
    throw new ParleyError('config_invalid', `the log file ${path} cannot be written; check log.file`, { cause })
  }
  let size = statSync(path).size
  return {
    write: line => {
      size += Buffer.byteLength(line)
      file.write(line)
      if (size >= maxBytes && setAside(path)) {
        size = 0
        file.reopen()
      }
    },
    close: () => file.end(),
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
