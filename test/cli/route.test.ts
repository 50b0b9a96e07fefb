import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { hang, refuse, startFaultyUpstream } from '../faulty-upstream.ts'
import { parleyHome, startParley } from './parley.ts'

interface Explained {
  policy: string
  isDrawn: boolean
  candidates: Record<string, unknown>[]
  error?: { code: string }
}

/** A node over two servers, `first` and `second`, asked in this order. */
async function nodeOverTwo(more = '') {
  const { home, file, run, json } = parleyHome()
  const [first, second] = [await startFaultyUpstream(['m']), await startFaultyUpstream(['m'])]
  const upstreams = [first, second].map(
    ({ url }, i) => `[[upstreams]]\nname = "${['first', 'second'][i]}"\nurl = "${url}"\n`,
  )
  writeFileSync(
    file('config.toml'),
    `[models]\nnano = false\n[routing]\npolicy = "priority"\n${more}${upstreams.join('')}`,
  )
  const { child, ended } = startParley(home, ['up', '--http-port', '0', '--json'])
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await Promise.all([first.stop(), second.stop()])
  })
  const line = await Promise.race([
    new Promise<string>(resolve => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then(({ stderr }) => Promise.reject(new TypeError(`it ended: ${stderr}`))),
  ])
  const { baseUrl, apiKey } = JSON.parse(line) as { baseUrl: string; apiKey: string }
  const ask = () =>
    fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] }),
    })
  const explain = async (...args: string[]) => {
    const { code, value, stderr } = await json(['route', 'explain', 'm', ...args])
    return { code, stderr, explained: value as unknown as Explained }
  }
  return { first, second, ask, explain, run, baseUrl, apiKey }
}

const order = ({ candidates }: Explained) => candidates.map(({ name }) => name)

test('who is down goes last, and the next call goes where explain says', async () => {
  const { first, second, ask, explain, run } = await nodeOverTwo()
  const before = await explain()
  expect(before.explained).toMatchObject({
    policy: 'priority',
    isDrawn: false,
    candidates: [
      { name: 'first', place: 1, kind: 'api', state: 'closed', failures: 0, weight: 1, priority: 1 },
      { name: 'second', place: 2, state: 'closed' },
    ],
  })
  first.always(refuse(503, undefined, { 'retry-after': '30' }))
  expect((await ask()).status).toBe(200)
  const { explained } = await explain()
  expect(order(explained)).toEqual(['second', 'first'])
  expect(explained.candidates).toMatchObject([
    { place: 1, state: 'closed', successes: 1, firstChunkMs: expect.any(Number) },
    { place: 2, state: 'open', lastErrorCode: 'overloaded', why: expect.stringContaining('cools down for') },
  ])
  expect(explained.candidates[1]!.coolsDownForMs).toBeGreaterThan(10_000)
  const asked = [first.hits.length, second.hits.length]
  expect((await ask()).status).toBe(200)
  expect([first.hits.length, second.hits.length]).toEqual([asked[0], asked[1]! + 1])
  const { code, stdout } = await run(['route', 'explain', 'm'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^1 +second .* closed /m)
  expect(stdout).toMatch(/^2 +first .* open for \d+ s +cools down/m)
  const status = (await run(['status'])).stdout
  expect(status).toMatch(/^target first +open: cools down for \d+ s, it failed with overloaded; 0 running$/m)
  expect(status).not.toContain('target second')
}, 60_000)

test('a provider that the request names is asked alone, the others say why not', async () => {
  const { explain } = await nodeOverTwo()
  const { explained } = await explain('--provider', 'second')
  expect(explained.candidates).toMatchObject([
    { name: 'second', place: 1, why: expect.stringContaining('names it') },
    { name: 'first', why: expect.stringContaining('others only') },
  ])
  expect(explained.candidates[1]).not.toHaveProperty('place')
  const nobody = await explain('--provider', 'third')
  expect(nobody.code).toBe(2)
  expect(nobody.stderr).toContain('third')
}, 60_000)

test('the rule that holds is shown, and those that may', async () => {
  const { run, explain } = await nodeOverTwo(
    '[[routing.rules]]\nwhen = { keys = ["mobile"] }\nuse = { ignore = ["second"] }\n' +
      '[[routing.rules]]\nwhen = { models = ["m*"] }\nuse = { only = ["second"], policy = "cheapest" }\n',
  )
  const { explained } = await explain()
  expect(explained).toMatchObject({ rule: { place: 2 }, otherRules: [1], policy: 'cheapest' })
  const { stdout } = await run(['route', 'explain', 'm'])
  expect(stdout).toMatch(/^rule +2: policy cheapest; only second$/m)
  expect(stdout).toMatch(/^other rules +1 may hold, for other requests or keys$/m)
  expect(stdout).toMatch(/^- +first .* rule 2 allows others only$/m)
}, 60_000)

test('it answers as for the key that is named, and for a request that needs this much', async () => {
  const { run, explain } = await nodeOverTwo(
    '[[routing.rules]]\nwhen = { keys = ["default"] }\nuse = { only = ["second"] }\n' +
      '[[routing.rules]]\nwhen = { needs = ["vision", "tools"], minBytes = 5000 }\nuse = { only = ["first"] }\n' +
      '[[routing.rules]]\nwhen = { tasks = ["embedding"] }\nuse = { policy = "cheapest" }\n',
  )
  expect((await explain()).explained).not.toHaveProperty('rule')
  expect((await explain('--key', 'default')).explained).toMatchObject({ rule: { place: 1 } })
  const needs = ['--needs', 'vision', 'tools', '--text-bytes']
  expect((await explain(...needs, '5000')).explained).toMatchObject({ rule: { place: 2 } })
  expect((await explain(...needs, '4999')).explained).not.toHaveProperty('rule')
  expect((await explain('--task', 'embedding')).explained).toMatchObject({ rule: { place: 3 }, policy: 'cheapest' })
  const unknown = await run(['route', 'explain', 'm', '--key', 'nobody'])
  expect(unknown).toMatchObject({ code: 7, stderr: expect.stringContaining('"nobody"') })
  expect((await run(['route', 'explain', 'm', '--text-bytes', '-1'])).code).toBe(2)
}, 60_000)

test('a second provider is named with its time, or why there is none', async () => {
  const { first, ask, explain, run } = await nodeOverTwo('hedge = true\n')
  expect((await explain()).explained).toMatchObject({ hedge: { why: expect.stringContaining('measured') } })
  for (let i = 0; i < 20; i++) await ask()
  expect((await explain()).explained).toMatchObject({ hedge: { backend: 'second', afterMs: expect.any(Number) } })
  expect((await run(['route', 'explain', 'm'])).stdout).toMatch(
    /^second +second, when the first says nothing for \d+ ms$/m,
  )
  first.always(hang('headers'))
  const { headers } = await ask()
  expect([headers.get('x-parley-provider'), headers.get('x-parley-overtook')]).toEqual(['second', 'first'])
}, 60_000)

test('another policy can be tried, and attempts have an end', async () => {
  const { explain } = await nodeOverTwo('attemptsMax = 1\n')
  expect((await explain('--policy', 'weighted')).explained).toMatchObject({ policy: 'weighted', isDrawn: true })
  const { explained } = await explain()
  expect(explained.candidates).toMatchObject([{ place: 1 }, { why: 'beyond the attempts of one call (1)' }])
  expect(explained.candidates[1]).not.toHaveProperty('place')
  expect((await explain('--policy', 'luckiest')).code).toBe(2)
}, 60_000)

test('a model nobody serves ends with exit 7; the route is for this machine alone', async () => {
  const { run, baseUrl, apiKey } = await nodeOverTwo()
  expect(await run(['route', 'explain', 'nobody'])).toMatchObject({
    code: 7,
    stderr: expect.stringContaining('nobody'),
  })
  const url = `${baseUrl.replace(/\/v1$/, '')}/api/route/explain?model=m`
  expect((await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(403)
}, 60_000)

test('without a node it says how to start one', async () => {
  const { run } = parleyHome()
  expect(await run(['route', 'explain', 'm'])).toMatchObject({ code: 7, stderr: expect.stringContaining('parley up') })
})
