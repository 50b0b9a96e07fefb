import { describe, expect, test } from 'vitest'
import { findApp, settingsFor } from '../../src/cli/connect/apps.ts'
import { connectApps } from '../../src/ui/node/connect/settings.ts'
import { mappedOf, nameDraftOf, withName } from '../../src/ui/node/endpoints/mapping.ts'
import { difference, documentText, folded } from '../../src/ui/node/profiles/difference.ts'
import { configOf, draftOf, emptyDraft } from '../../src/ui/node/providers/draft.ts'
import { serviceKinds } from '../../src/ui/node/providers/kinds.ts'
import { csvCell } from '../../src/ui/node/requests/csv-text.ts'
import { phasesOf } from '../../src/ui/node/requests/phases.ts'
import { rangeOf } from '../../src/ui/node/shared/range.ts'

describe('what the page says to connect an app', () => {
  const model = {
    id: "it's a model",
    contextTokens: undefined,
    maxOutputTokens: undefined,
    canChat: true,
    canUseTools: true,
  }
  const places = { home: '/home/me', config: '/home/me/.config', codex: '/home/me/.codex', current: '/work' }
  const given = { baseUrl: 'http://127.0.0.1:7275/v1', apiKey: 'sk-parley-a b' }

  test.each(connectApps.map(app => [app.name, app] as const))('%s: as parley connect prints it', (name, app) => {
    const { inline } = settingsFor(findApp(name), { ...given, model, models: [model], places })
    expect(app.snippets({ ...given, model: model.id }).map(({ text }) => text)).toEqual(inline.map(({ text }) => text))
  })
})

describe('cells of a spreadsheet', () => {
  test('nothing in them is run, and all of it is quoted that has to be', () => {
    expect(csvCell('=HYPERLINK("x")')).toBe('"\'=HYPERLINK(""x"")"')
    for (const start of ['+', '-', '@', '\t', '\r']) expect(csvCell(`${start}1`)).toContain("'")
    expect(csvCell('a,b')).toBe('"a,b"')
    expect(csvCell('two\nlines')).toBe('"two\nlines"')
    expect(csvCell(null)).toBe('')
    expect(csvCell(12)).toBe('12')
  })
})

describe('two documents', () => {
  const lines = (one: unknown, other: unknown) => difference(documentText(one), documentText(other))!

  test('equal ones are equal whatever the order of their keys', () => {
    expect(lines({ a: 1, b: [2] }, { b: [2], a: 1 }).every(({ kind }) => kind === 'same')).toBe(true)
  })

  test('what was changed stands beside what comes for it, and both sides can be read back', () => {
    const [one, other] = [
      { a: 1, b: 2, c: 3 },
      { a: 1, b: 4, c: 3, d: 5 },
    ]
    const found = lines(one, other)
    expect(found.filter(({ kind }) => kind === 'changed')[0]).toEqual({
      kind: 'changed',
      left: '  "b": 2,',
      right: '  "b": 4,',
    })
    const side = (name: 'left' | 'right') => found.flatMap(line => line[name] ?? []).join('\n')
    expect(side('left')).toBe(documentText(one))
    expect(side('right')).toBe(documentText(other))
  })

  test('long parts that are alike are their number', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`key${String(at).padStart(2, '0')}`, at]))
    const shown = folded(lines(many, { ...many, key25: -1 }))
    expect(shown.filter(line => typeof line === 'number')).toHaveLength(2)
    expect(shown.length).toBeLessThan(12)
  })

  test('those that differ without end are not compared', () => {
    const text = (start: number) => Array.from({ length: 3_000 }, (_, at) => `${start + at}`).join('\n')
    expect(difference(text(0), text(10_000))).toBeUndefined()
  })
})

describe('a provider as it is typed in', () => {
  const row = {
    ...({ type: 'api', status: 'active', keySource: 'none' } as const),
    ...{ id: 'x', name: 'mine', provider: 'openai', keyHint: null },
    ...{ live: null, createdAt: '', updatedAt: '' },
  } as const

  test('what the form does not know stays', () => {
    const config = {
      ...{ url: 'http://a/v1', models: ['one', 'two'], weight: 2, priority: 3 },
      ...{
        prices: [
          { model: 'one', in: '1' },
          { model: 'two', out: '2' },
        ],
        later: true,
      },
    }
    expect(configOf(draftOf({ ...row, config }), config)).toEqual(config)
  })

  test('one price for all can be changed and taken away', () => {
    const config = { url: 'http://a/v1', prices: [{ in: '1', out: '2' }] }
    const draft = draftOf({ ...row, config })
    expect(configOf({ ...draft, priceIn: '3' }, config)).toEqual({
      url: 'http://a/v1',
      prices: [{ in: '3', out: '2' }],
    })
    expect(configOf({ ...draft, priceIn: '', priceOut: '' }, config)).toEqual({ url: 'http://a/v1' })
  })

  test('a new one has a name nobody has', () => {
    expect(emptyDraft(serviceKinds[0]!, ['OpenAI', 'openai-2']).name).toBe('openai-3')
  })
})

describe('names of an endpoint', () => {
  test('what is written is what was read', () => {
    const mapped = {
      targets: [
        { provider: 'a', model: 'b', weight: 2, priority: 1 },
        { weight: 1, priority: 2 },
      ],
      ...{ aliases: ['x', 'y'], policy: 'cheapest' as const, continues: true },
    }
    expect(mappedOf(nameDraftOf('n', mapped))).toEqual(mapped)
  })

  test('one that is renamed keeps its place', () => {
    const target = { targets: [] }
    expect(Object.keys(withName({ a: target, b: target, c: target }, 'b', 'z', target))).toEqual(['a', 'z', 'c'])
  })
})

describe('where the time of a request went', () => {
  test('in the node, with one that failed, until the first token, in the answer', () => {
    const attempts = [
      { provider: 'bad', model: 'm', code: 'timeout', ms: 100 },
      { provider: 'good', model: 'm', code: 'ok', ms: 300 },
    ]
    const phases = phasesOf({ attempts, response: { overheadMs: 5 }, responseTime: 400, firstChunkMs: 250 })
    expect(phases.map(({ kind, ms }) => [kind, ms])).toEqual([
      ['node', 5],
      ['attempt', 100],
      ['waited', 145],
      ['answer', 150],
    ])
  })

  test('bars never go beyond the end', () => {
    const attempts = [{ provider: 'bad', model: 'm', code: 'timeout', ms: 10_000 }]
    const phases = phasesOf({ attempts, response: {}, responseTime: 400, firstChunkMs: null })
    expect(phases).toEqual([{ kind: 'attempt', from: 0, ms: 400, provider: 'bad' }])
  })
})

test('spans of time begin at a full minute, so that the same question is asked for a while', () => {
  expect(rangeOf({ span: '1h' }, 3_600_000 * 5 + 12_345)).toEqual({ from: 3_600_000 * 4 })
  expect(rangeOf({ span: 'nonsense', from: 'nonsense' })).toEqual({})
})
