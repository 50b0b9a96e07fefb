import type { LoggedEvent, LogRow, Random } from '../core/index.ts'
import { createJsonFile, createJsonLines, type JsonLines } from './json-lines.ts'
import { isWritten, type LineLevel, type LogLevel, levelOf } from './log-levels.ts'
import { humanLine } from './log-lines.ts'
import { type LogRecord, recordOf } from './log-record.ts'
import { createRepeats } from './repeats.ts'

export interface LoggingOptions {
  readonly level: LogLevel
  /** What `write` gets: `text` for people, `json` for machines. */
  readonly format: 'text' | 'json'
  /** Gets lines of JSON as well. */
  readonly file?: string | undefined
  readonly fileMaxBytes: number
  readonly write: (line: string) => void
  readonly random: Random
}

/** Takes a line and returns at once; one that throws is given no more. */
export type LogSink = (row: LogRow) => void

/** The event log as lines, for people, files and stores. */
export interface Logging {
  readonly watch: (event: LoggedEvent) => void
  readonly level: () => LogLevel
  /** From the next line on. */
  readonly setLevel: (level: LogLevel) => void
  /** Lines of the set level also go there, as many as a store can take, and who changed what. Returns what ends it. */
  readonly addSink: (sink: LogSink) => () => void
  /** Lines that sinks were not given because there were too many. */
  readonly dropped: () => number
  readonly close: () => void
}

/** Lines a sink is given per second, and at once after a quiet time. */
const sinkLinesPerSecond = 200
const sinkLinesAtOnce = 1_000

/** A failure that goes on is one line, and one when it is over; each time it is told at the level `debug`. */
export async function createLogging(options: LoggingOptions): Promise<Logging> {
  const { format, file, fileMaxBytes, write, random } = options
  const outputs: JsonLines[] = []
  if (format === 'json') outputs.push(await createJsonLines(write))
  if (file !== undefined) outputs.push(await createJsonFile(file, fileMaxBytes))
  const repeats = createRepeats()
  const sinks = new Set<LogSink>()
  const allows = createAllowance(sinkLinesPerSecond, sinkLinesAtOnce)
  let { level } = options
  let dropped = 0
  const give = (row: LogRow) => {
    for (const sink of sinks) {
      try {
        sink(row)
      } catch {
        sinks.delete(sink)
      }
    }
  }
  const keep = (event: LoggedEvent, record: LogRecord) => {
    if (sinks.size === 0) return
    if (!allows(event.at)) dropped++
    else give({ id: random.uuid(), ...record })
  }
  const tell = (event: LoggedEvent, own: LineLevel, failures?: number) => {
    if (format === 'text') write(humanLine(event, own))
    if (outputs.length === 0 && sinks.size === 0) return
    const record = recordOf(event, own, failures)
    for (const output of outputs) output.write(record)
    keep(event, record)
  }
  return {
    watch: event => {
      const sighting = repeats.sight(event)
      const own = sighting.kind === 'repeat' ? 'debug' : levelOf(event)
      // What ends a failure is worth as much as what began it.
      const shown = sighting.kind === 'recovery' && own === 'debug' ? 'info' : own
      if (isWritten(shown, level)) tell(event, shown, sighting.kind === 'recovery' ? sighting.failures : undefined)
      // Who changed what stays on record, whatever level he sets.
      else if (event.type === 'management.changed') keep(event, recordOf(event, own))
    },
    level: () => level,
    setLevel: wanted => {
      level = wanted
    },
    addSink: sink => {
      sinks.add(sink)
      return () => void sinks.delete(sink)
    },
    dropped: () => dropped,
    close: () => {
      for (const output of outputs) output.close()
    },
  }
}

/** Says for each line whether it is within so many per second. */
function createAllowance(perSecond: number, atOnce: number): (at: number) => boolean {
  let left = atOnce
  let last = 0
  return at => {
    left = Math.min(atOnce, left + (Math.max(0, at - last) * perSecond) / 1_000)
    last = at
    if (left < 1) return false
    left--
    return true
  }
}
