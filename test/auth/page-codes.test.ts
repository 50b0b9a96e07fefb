import { expect, test } from 'vitest'
import { createPageCodes } from '../../src/auth/index.ts'
import { systemRandom } from '../../src/core/index.ts'
import { createMemoryShared } from '../../src/store/index.ts'
import { heldClock } from './stage.ts'

const minuteMs = 60_000

function start() {
  const clock = heldClock()
  const { cache, counters } = createMemoryShared({ clock })
  const kept: string[] = []
  const watched = {
    ...cache,
    set: (...given: Parameters<typeof cache.set>) => {
      kept.push(given[0])
      return cache.set(...given)
    },
  }
  const masterKey = systemRandom.bytes(32)
  const nodeWith = (key: Uint8Array) =>
    createPageCodes({ masterKey: key, cache: watched, counters, random: systemRandom })
  return { clock, kept, nodeWith, masterKey, codes: nodeWith(masterKey) }
}

test('a code is good for ten minutes, and for whichever node of the installation it is shown to', async () => {
  const { clock, codes, nodeWith, masterKey } = start()
  const [early, late] = [await codes.make(), await codes.make()]
  clock.move(9 * minuteMs)
  expect(await nodeWith(systemRandom.bytes(32)).redeem(early)).toBe(false)
  expect(await nodeWith(masterKey).redeem(early)).toBe(true)
  expect(await codes.redeem(early)).toBe(false)
  clock.move(2 * minuteMs)
  expect(await codes.redeem(late)).toBe(false)
})

test('codes differ, and what is kept of one does not give it away', async () => {
  const { codes, kept } = start()
  const made = await Promise.all(Array.from({ length: 50 }, () => codes.make()))
  expect(new Set(made).size).toBe(50)
  for (const code of made) expect(kept.join(' ').toUpperCase()).not.toContain(code.replace('-', ''))
})

test('there is room for further codes once older ones are over', async () => {
  const { clock, codes } = start()
  for (let made = 0; made < 50; made++) await codes.make()
  await expect(codes.make()).rejects.toMatchObject({ code: 'rate_limited' })
  clock.move(11 * minuteMs)
  expect(await codes.redeem(await codes.make())).toBe(true)
})

test.each(['', 'x', '-', '00000', '00000-000000', '00000-0000u', '00000-0000é', '00000_00000'])(
  'what is no code opens nothing: %j',
  async given => expect(await start().codes.redeem(given)).toBe(false),
)
