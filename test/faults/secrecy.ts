import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createLogLines } from '../../src/telemetry/index.ts'
import { until } from '../node/market.ts'
import { holds } from '../node/taps.ts'
import { secretWord } from './asking.ts'
import { earlyFaults } from './faults.ts'
import { type Stage, upstreamKey } from './stage.ts'
import type { Scene } from './suite.ts'

export function spyOnOutput(printed: string[]): void {
  const note = (...said: unknown[]) => void printed.push(said.map(String).join(' '))
  for (const method of ['log', 'error', 'warn', 'info', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation(note)
  }
}

const secrets = [upstreamKey, secretWord, 'the upstream says', 'you said']

function secretsIn(text: string): string[] {
  return secrets.filter(secret => text.includes(secret))
}

/** What an upstream of one's own says of a request goes to the app that sent it. */
function isForTheApp(kind: Stage['kind'], code: string): boolean {
  return kind === 'upstream' && (code.startsWith('oops_') || code === 'context_length_exceeded')
}

/** Keys, prompts and the words of upstreams stay where they belong. */
export function secrecyTests({ stage, seen, late }: Scene<Stage>, printed: readonly string[]): void {
  test('a key, and nobody but its own app the words of an upstream, in any error', () => {
    for (const fault of [...earlyFaults, ...late]) {
      const told = fault[stage().kind]
      const code = typeof told === 'string' ? told : told.code
      const { alone, whole, second, continued } = seen(fault)
      for (const { raw, headers } of [alone, whole, second, continued]) {
        const shown = raw + JSON.stringify([...headers])
        expect(shown).not.toContain(upstreamKey)
        if (!isForTheApp(stage().kind, code)) expect([fault.model, secretsIn(shown)]).toEqual([fault.model, []])
      }
    }
  })

  test('a key, a prompt or the words of an upstream in events, log lines, status and output', () => {
    const lines: string[] = []
    const project = createLogLines({ level: 'debug', write: line => lines.push(line) })
    for (const event of stage().events) {
      project(event)
      lines.push(JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
    }
    for (const node of stage().nodes) lines.push(JSON.stringify(node.status()))
    expect(lines.length).toBeGreaterThan(500)
    expect([...lines, ...printed].filter(line => secretsIn(line).length > 0)).toEqual([])
  })

  test('the key of an app: upstreams get their own', () => {
    const { faulty, backup } = stage()
    const keys = [faulty, backup].flatMap(({ hits }) => hits.map(({ headers }) => headers.authorization))
    expect(new Set(keys)).toEqual(new Set([`Bearer ${upstreamKey}`]))
  })

  test('a key or a prompt on the disk', () => {
    const files = stage().homes.flatMap(everyFile)
    expect(files.length).toBeGreaterThan(2)
    const found = files.filter(path => [upstreamKey, secretWord].some(secret => holds(readFileSync(path), secret)))
    expect(found).toEqual([])
  })

  test('what runs: all is over', async () => {
    const { nodes } = stage()
    await until(() => nodes.every(node => node.status().running === 0), 'nothing runs any more')
    for (const node of nodes) expect(node.status().targets.every(({ running }) => running === 0)).toBe(true)
  })
}

function everyFile(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return entries.map(name => join(folder, name)).filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())
}
