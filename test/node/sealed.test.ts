import { expect, onTestFinished, test } from 'vitest'
import { json, startFaultyUpstream } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

const secret = 'sk-upstream-0123456789abcdef'

test('a sealed key that was changed in the database is said and never sent, and the others go on', async () => {
  const [upstream, other] = [await startFaultyUpstream(['m']), await startFaultyUpstream(['n'])]
  onTestFinished(upstream.stop)
  onTestFinished(other.stop)
  const { ask, addProvider, paths, store: open, node } = await startManaged()
  const id = await addProvider('shelf', upstream.url, { key: secret })
  await addProvider('other', other.url)
  expect(await ask('m')).toBeDefined()
  const { store } = await open()
  const { secret: sealed } = (await store.providers.get(id))!
  const at = sealed!.length - 10
  const flipped = sealed!.slice(0, at) + (sealed![at] === 'A' ? 'B' : 'A') + sealed!.slice(at + 1)
  await store.providers.update(id, { secret: flipped })
  await expect(node.live.reload()).rejects.toMatchObject({
    code: 'secret_unreadable',
    message: expect.stringMatching(/shelf.*a sealed secret was changed; enter it anew/),
  })
  await node.stop()

  const home = paths.dataDirectory.replace(/\/data$/, '')
  const asked = upstream.hits.length
  const second = await startManaged({}, { home })
  expect(second.lines.join('\n')).toMatch(/shelf.*a sealed secret was changed/)
  expect(await second.ask('n', {}, node.firstKey)).toBeDefined()
  expect(await second.ask('m', {}, node.firstKey)).toBe('404 model_not_found')
  expect(upstream.hits).toHaveLength(asked)
  await second.api(`PUT /providers/${id}`, { key: secret })
  await second.ask('m', {}, node.firstKey)
  expect(upstream.hits.at(-1)!.headers.authorization).toBe(`Bearer ${secret}`)
})

test.each([301, 302, 307, 308])('a key goes to nobody an upstream points to with %i', async status => {
  const [upstream, elsewhere] = [await startFaultyUpstream(['m']), await startFaultyUpstream(['m'])]
  onTestFinished(upstream.stop)
  onTestFinished(elsewhere.stop)
  const { ask, addProvider } = await startManaged({ routing: { attemptsMax: 1 } })
  await addProvider('shelf', upstream.url, { key: secret })
  upstream.always(json(status, {}, { location: `${elsewhere.url}/chat/completions` }))
  expect(await ask('m')).toMatch(/^50\d /)
  expect(upstream.hits).toHaveLength(1)
  expect(elsewhere.hits).toEqual([])
})
