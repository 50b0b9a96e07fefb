import { expect, test } from 'vitest'
import { type Call, systemClock, systemRandom, type Task, unitOf } from '../../src/core/index.ts'
import { type Candidate, createRanking, explain } from '../../src/gateway/index.ts'
import { createScripted } from '../scripted.ts'

const candidate = (name: string, kind: Candidate['kind'], unit?: string): Candidate => ({
  ...{ name, kind, backend: createScripted(name) },
  ...(unit !== undefined && { unit, priceIn: 1n, priceOut: 1n }),
})
const all = [
  candidate('local', 'local'),
  candidate('upstream', 'api'),
  ...['tokens', 'images', 'seconds', 'characters', 'pages'].map(unit => candidate(unit, 'peer', unit)),
]

/** Who would be asked, and why the others would not. */
function asked(task: Task, serving: readonly Candidate[] = all, fields: Record<string, unknown> = {}) {
  const ranking = createRanking(systemClock, systemRandom)
  const candidates = { serving: () => serving, models: async () => [] }
  const call = {
    task,
    body: { model: 'm', messages: [], input: 'a', prompt: 'a', form: [], ...fields },
  } as unknown as Call
  const told = explain({ candidates, ranking, policy: 'priority', maxAttempts: 16 }, { model: 'm', call })
  return { names: told.candidates.filter(({ place }) => place !== undefined).map(({ name }) => name), ...told }
}

test.each<[Task, string[]]>([
  ['chat', ['local', 'upstream', 'tokens']],
  ['embedding', ['local', 'upstream', 'tokens']],
  ['moderation', ['upstream', 'tokens']],
  ['rerank', ['upstream', 'tokens']],
  ['image', ['upstream', 'images']],
  ['imageEdit', ['upstream', 'images']],
  ['transcription', ['upstream', 'seconds']],
  ['translation', ['upstream', 'seconds']],
  ['speech', ['upstream', 'characters']],
])('%s calls go to upstreams, and to peers that are paid by their unit', (task, names) => {
  const told = asked(task)
  expect(told.names.toSorted()).toEqual(names.toSorted())
  const pages = told.candidates.find(({ name }) => name === 'pages')
  expect(pages).toMatchObject({ unit: 'pages', why: `it sells pages, and this is paid by ${unitOf(task)}` })
})

test('the best of several answers is asked of nobody who is paid by what arrives', () => {
  const told = asked('completion', all, { best_of: 2 })
  expect(told.names).toEqual(['local', 'upstream'])
  const peer = told.candidates.find(({ name }) => name === 'tokens')
  expect(peer).toMatchObject({ why: 'it is paid by what arrives, which best_of is not' })
  expect(asked('completion', all, { best_of: 1, n: 2 }).names).toContain('tokens')
  const { names, error } = asked('completion', [candidate('tokens', 'peer', 'tokens'), candidate('free', 'peer')], {
    best_of: 2,
  })
  expect(names).toEqual([])
  expect(error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('leave it out') })
})

test('what is sold by another unit alone is told to be unsupported, not unknown', () => {
  const { names, error } = asked('chat', [candidate('images', 'peer', 'images')])
  expect(names).toEqual([])
  expect(error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('peers that sell tokens') })
})
