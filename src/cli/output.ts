import { stripVTControlCharacters, styleText } from 'node:util'

/** What a command says: data on stdout for programs and pipes, talk on stderr for people. */
export interface Output {
  readonly isJson: boolean
  /** A line of data. */
  readonly print: (text: string) => void
  /** The answer of a read command: one JSON object with `"v":1`, or the lines `human` makes of it. */
  readonly answer: <T extends object>(value: T, human: (value: T) => string) => void
  /** A line for people. */
  readonly say: (text: string) => void
  readonly style: (style: Parameters<typeof styleText>[0], text: string) => string
}

export interface OutputOptions {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly isJson: boolean
  /** Undefined lets the terminal and `NO_COLOR` decide. */
  readonly color: boolean | undefined
  readonly env: NodeJS.ProcessEnv
}

export function createOutput({ stdout, stderr, isJson, color, env }: OutputOptions): Output {
  const isColored = color ?? (!env.NO_COLOR && env.TERM !== 'dumb' && stdout.isTTY && stderr.isTTY)
  return {
    isJson,
    print: text => void stdout.write(`${text}\n`),
    answer: (value, human) => void stdout.write(`${isJson ? toJson({ v: 1, ...value }) : human(value)}\n`),
    say: text => void stderr.write(`${text}\n`),
    style: (style, text) => (isColored ? styleText(style, text, { validateStream: false }) : text),
  }
}

/** One line of JSON; amounts become decimal strings, as on every other wire. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? field.toString() : field))
}

/** Rows under headings, aligned; control characters in what others wrote are taken out. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows].map(row => row.map(clean))
  const widths = headings.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Names and values below each other. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${clean(value)}`.trimEnd()).join('\n')
}

/** Text of others on one line, without anything a terminal would obey. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, ' ')
}
