import { afterEach, describe, expect, test } from 'vitest'
import type { Backend, Call, RelayedCall } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { Chunk, type FormRequest, noUsage, usageOf } from '../../src/openai/index.ts'
import { type OfferedModel, receiptCodec } from '../../src/session/index.ts'
import { waveOf } from './sound.ts'
import {
  contextOf,
  createStage,
  drain,
  notary,
  offer,
  providerKey,
  providerSigner,
  question,
  receiptOf,
  type Stage,
  type StageOptions,
  tampering,
  userKey,
} from './stage.ts'

const model = offer.model.id
const million = 1_000_000n

/** A picture costs 40 units, a second of sound 3, a character 2, a token that goes in 2; a call at least 1. */
const base = { ...offer, minimumCharge: 1n, windowTokens: 1, priceIn: 0n, priceCachedIn: 0n, priceOut: 0n }
const sold: Record<'images' | 'seconds' | 'characters' | 'tokens', OfferedModel> = {
  images: { ...base, unit: 'images', priceOut: 40n * million },
  seconds: { ...base, unit: 'seconds', priceIn: 3n * million },
  characters: { ...base, unit: 'characters', priceIn: 2n * million },
  tokens: { ...offer, minimumCharge: 1n },
}

const form = (...more: { name: string; value: string }[]) => [
  { name: 'file', file: { name: 'a.wav', type: 'audio/wav', bytes: waveOf(7.2) } },
  ...more,
]
const calls = {
  image: { task: 'image', body: { model, prompt: 'a cat', n: 2 } },
  edit: { task: 'imageEdit', body: { model, form: form({ name: 'n', value: '3' }) } },
  variation: { task: 'imageVariation', body: { model, form: form() } },
  speech: { task: 'speech', body: { model, input: 'Grüße! 👍' } },
  transcription: { task: 'transcription', body: { model, form: form() } },
  translation: { task: 'translation', body: { model, form: form() } },
  moderation: { task: 'moderation', body: { model, input: ['four', 'five5'] } },
  rerank: { task: 'rerank', body: { model, query: 'cats', documents: ['dogs', { text: 'mice' }] } },
} as const satisfies Record<string, RelayedCall>

let stage: Stage
afterEach(() => stage.close())

function play(unit: keyof typeof sold, answers: Backend['run'], more: StageOptions = {}): Stage {
  stage = createStage({ offer: sold[unit], answers, ...more })
  return stage
}

/** One JSON body. */
function telling(body: object): Backend['run'] {
  return async function* () {
    yield Chunk.raw(Buffer.from(JSON.stringify(body)), { contentType: 'application/json', isLast: true }, body)
    return { usage: noUsage, servedBy: 'studio' }
  }
}

function pieces(...given: (string | (() => Promise<unknown>))[]): Backend['run'] {
  return async function* (_call, { signal }) {
    for (const piece of given) {
      if (signal.aborted) throw ParleyError.from(signal.reason, signal)
      if (typeof piece === 'string') yield Chunk.raw(Buffer.from(piece), { contentType: 'audio/mpeg' })
      else await piece()
    }
    return { usage: noUsage, servedBy: 'studio' }
  }
}

const pictures = (count: number) => ({ created: 1, data: Array.from({ length: count }, () => ({ b64_json: 'AA==' })) })
const soon = () => AbortSignal.timeout(5_000)
const failed = (code: string) => expect.objectContaining({ code })
const books = () => ({
  user: stage.userLedger.channel(userKey)?.charged ?? 0n,
  provider: stage.providerLedger.channel(providerKey)?.charged ?? 0n,
})

async function cost(call: RelayedCall): Promise<bigint | undefined> {
  const { outcome } = await drain(stage.user.run(call, contextOf()))
  await stage.purse.flush(soon())
  expect(books()).toEqual({ user: outcome.cost, provider: outcome.cost })
  expect(stage.mismatches).toEqual([])
  return outcome.cost
}

describe('what a call costs, to the last unit, on both books', () => {
  test.each<[string, keyof typeof sold, RelayedCall, object, bigint]>([
    ['pictures', 'images', calls.image, pictures(2), 80n],
    ['fewer pictures than asked for', 'images', calls.image, pictures(1), 40n],
    ['more pictures than asked for', 'images', calls.image, pictures(5), 80n],
    ['entries that hold no picture', 'images', calls.image, { data: [{}, { url: '' }, { url: 'http://x/1' }] }, 40n],
    ['not one picture', 'images', calls.image, pictures(0), 0n],
    ['edits', 'images', calls.edit, pictures(3), 120n],
    ['variations', 'images', calls.variation, pictures(1), 40n],
    ['the seconds a transcript names', 'seconds', calls.transcription, { text: 'a', duration: 6.1 }, 21n],
    ['the seconds that are billed', 'seconds', calls.translation, { text: 'a', usage: { seconds: 5 } }, 15n],
    ['the seconds of the file where none are named', 'seconds', calls.transcription, { text: 'a' }, 24n],
    ['no more seconds than the file has', 'seconds', calls.transcription, { text: 'a', duration: 9_000 }, 24n],
    ['a moderation by the common measure', 'tokens', calls.moderation, { results: [] }, 38n],
    ['a ranking by the common measure', 'tokens', calls.rerank, { results: [] }, 46n],
    ['a ranking by what it reports', 'tokens', calls.rerank, { results: [], usage: { total_tokens: 9 } }, 18n],
  ])('%s', async (_what, unit, call, body, amount) => {
    play(unit, telling(body))
    expect(await cost(call)).toBe(amount)
  })

  test('characters that are spoken, whatever bytes they become', async () => {
    play('characters', pieces('ID3', 'sound', 'more sound'))
    const { chunks, outcome } = await drain(stage.user.run(calls.speech, contextOf()))
    expect(chunks.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['ID3', 'sound', 'more sound'])
    expect(outcome.cost).toBe(16n)
    expect(outcome.receipt?.message).toMatchObject({ tokensIn: 8n, tokensOut: 0n, finishReason: 'stop' })
  })

  test('pictures of a stream, one by one', async () => {
    const event = (name: string) => `event: image_generation.${name}\ndata: {"type":"image_generation.${name}"}\n\n`
    play('images', pieces(event('partial_image'), event('completed'), event('partial_image'), event('completed')))
    expect(await cost(calls.image)).toBe(80n)
  })

  test('a second call is paid with what was set aside for the first and not used', async () => {
    play('images', telling(pictures(1)))
    await cost(calls.image)
    const { authorized } = stage.userLedger.channel(userKey)!
    expect(authorized).toBe(80n)
    const { outcome } = await drain(stage.user.run(calls.variation, contextOf()))
    expect(outcome.cost).toBe(40n)
    expect(stage.userLedger.channel(userKey)!.authorized).toBe(80n)
  })
})

test('the free rail carries it all, and no money', async () => {
  play('images', telling(pictures(2)), { till: { rail: 'free' } })
  const { chunks, outcome } = await drain(stage.user.run(calls.image, contextOf()))
  expect(chunks.map(chunk => chunk.json())).toEqual([pictures(2)])
  expect(outcome.cost).toBeUndefined()
  expect(books()).toEqual({ user: 0n, provider: 0n })
})

test('pictures beyond those that were set aside do not leave, however they were asked for', async () => {
  play('images', telling({ created: 7, data: [{}, ...pictures(5).data] }))
  const twice = [...form({ name: 'n', value: '2' }), { name: 'n', value: '5' }]
  const { chunks } = await drain(stage.user.run({ task: 'imageEdit', body: { model, form: twice } }, contextOf()))
  expect(chunks.map(chunk => chunk.json())).toEqual([{ created: 7, data: [{}, ...pictures(2).data] }])
  const event = 'event: image_generation.completed\ndata: {}\n\n'
  stage.close()
  play('images', pieces(...Array<string>(5).fill(event)))
  expect((await drain(stage.user.run(calls.image, contextOf()))).chunks).toHaveLength(2)
  await stage.purse.flush(soon())
  expect(books()).toEqual({ user: 80n, provider: 80n })
})

describe('before it begins', () => {
  test.each(Object.entries(calls))('%s: all of it is paid', async (_name, call) => {
    const unit = { image: 'images', edit: 'images', variation: 'images' }[_name] ?? unitsBy[call.task]!
    play(unit as keyof typeof sold, telling({}))
    const { session } = await openByHand()
    const context = contextOf({ headers: { 'parley-session': session }, principal })
    await expect(stage.till.begin(call, context)).rejects.toMatchObject({ code: 'need_voucher' })
    expect(stage.backend.calls).toBe(0)
  })

  test.each(Object.entries(calls))(
    '%s: a model sold by another unit is not asked, by neither side',
    async (_name, call) => {
      play(call.task === 'speech' ? 'seconds' : 'characters', telling({}))
      await expect(drain(stage.user.run(call, contextOf()))).rejects.toMatchObject({
        code: 'unsupported',
        mayRetry: true,
      })
      expect(stage.userLedger.channel(userKey)?.authorized ?? 0n).toBe(0n)
      const { session } = await openByHand()
      const context = contextOf({ headers: { 'parley-session': session }, principal })
      await expect(stage.till.begin(call, context)).rejects.toMatchObject({ code: 'unsupported' })
      expect(stage.backend.calls).toBe(0)
    },
  )

  test('a chat is not paid by the picture', async () => {
    play('images', telling({}))
    await expect(drain(stage.user.run(question, contextOf()))).rejects.toThrow(failed('unsupported'))
  })

  test('what costs more than the caller allows is not asked for', async () => {
    play('images', telling(pictures(2)))
    const dear = stage.user.run(calls.image, contextOf({ maxPrice: 79n }))
    await expect(drain(dear)).rejects.toMatchObject({ code: 'price_too_high', details: { price: '80' } })
    expect(stage.backend.calls).toBe(0)
    expect((await drain(stage.user.run(calls.image, contextOf({ maxPrice: 80n })))).outcome.cost).toBe(80n)
  })

  test('a spending cap counts all of it', async () => {
    play('images', telling(pictures(2)), { purse: { limits: { perDay: 100n } } })
    await drain(stage.user.run(calls.image, contextOf()))
    await expect(drain(stage.user.run(calls.image, contextOf()))).rejects.toThrow(failed('spending_cap'))
  })
})

test('who has no session is turned away before its files are read', async () => {
  play('seconds', telling({}))
  const { session } = await openByHand()
  expect(() => stage.till.admit(principal, undefined)).toThrow(failed('payment_required'))
  expect(() => stage.till.admit(principal, `0x${'00'.repeat(32)}`)).toThrow(failed('session_unknown'))
  expect(() => stage.till.admit({ kind: 'peer', id: 'somebody' }, session)).toThrow(failed('session_unknown'))
  stage.till.admit(principal, session)
})

/** Not a sound file of a kind that is known: 40,000 bytes are taken for 5 seconds and are no more than 80. */
const unknown: RelayedCall = {
  task: 'transcription',
  body: { model, form: [{ name: 'file', file: { name: 'a', type: '', bytes: new Uint8Array(40_000) } }] },
}

describe('sound that is longer than it looks', () => {
  test('is paid before its transcript leaves', async () => {
    play('seconds', telling({ text: 'all of it', duration: 60 }))
    expect(await cost(unknown)).toBe(180n)
  })

  test('is paid for what the file can hold at the most', async () => {
    play('seconds', telling({ text: 'all of it', duration: 60_000 }))
    expect(await cost(unknown)).toBe(240n)
  })

  test('is not paid beyond what the caller allows; then it costs what was agreed, and nothing is told', async () => {
    play('seconds', telling({ text: 'all of it', duration: 60 }), { till: { limits: { voucherTimeoutMs: 100 } } })
    const chunks: Chunk[] = []
    const read = async () => {
      for await (const chunk of stage.user.run(unknown, contextOf({ maxPrice: 20n }))) chunks.push(chunk)
    }
    await expect(read()).rejects.toThrow(failed('price_too_high'))
    await stage.purse.flush(soon())
    expect(chunks).toEqual([])
    expect(books()).toEqual({ user: 15n, provider: 15n })
    expect(stage.mismatches).toEqual([])
  })

  test('is paid beside a chat that runs in the same session', async () => {
    play('seconds', telling({ text: 'all of it', duration: 60 }))
    const answers = await Promise.all([1, 2, 3].map(() => drain(stage.user.run(unknown, contextOf()))))
    await stage.purse.flush(soon())
    expect(answers.map(({ outcome }) => outcome.cost)).toEqual([180n, 180n, 180n])
    expect(books()).toEqual({ user: 540n, provider: 540n })
  })

  test('of a streamed transcript, before its last event leaves', async () => {
    const last = JSON.stringify({ type: 'transcript.text.done', text: 'a', usage: { type: 'duration', seconds: 60 } })
    play('seconds', pieces('event: transcript.text.delta\ndata: {}\n\n', `data: ${last}\n\n`))
    expect(await cost(unknown)).toBe(180n)
  })
})

test('words, pictures and sound in one session, all at once: the books are equal, and nobody is taken for a liar', async () => {
  const named = (id: string, unit: OfferedModel): OfferedModel => ({
    ...unit,
    model: { ...offer.model, id },
    concurrency: 64,
  })
  const offers = [named('words', offer), named('pictures', sold.images), named('sound', sold.seconds)]
  const pause = () => new Promise(resolve => setTimeout(resolve, Math.random() * 8))
  const chat: Backend['run'] = async function* () {
    for (let token = 0; token < 200; token++) {
      if (token % 20 === 0) await pause()
      yield Chunk.of({ choices: [{ index: 0, delta: { content: 'word' }, finish_reason: null }] })
    }
    yield Chunk.of({ choices: [], usage: usageOf(10, 200) })
    return { usage: usageOf(10, 200), servedBy: 'studio' }
  }
  const media = async function* (body: object) {
    await pause()
    return yield* telling(body)(calls.image, contextOf())
  }
  const answers: Backend['run'] = (call, context) => {
    if (call.task === 'chat') return chat(call, context)
    return media(call.task === 'image' ? pictures(2) : { text: '', duration: 60 })
  }
  play('images', answers, { till: { offers: () => offers } })
  const asks: Call[] = [
    { ...question, body: { ...question.body, model: 'words' } } as Call,
    { task: 'image', body: { ...calls.image.body, model: 'pictures' } },
    { task: 'transcription', body: { ...unknown.body, model: 'sound' } as FormRequest },
  ]
  const all = Array.from({ length: 24 }, (_, i) => drain(stage.user.run(asks[i % 3]!, contextOf())))
  const costs = (await Promise.all(all)).map(({ outcome }) => outcome.cost)
  await stage.purse.flush(soon())
  expect(costs).toEqual(Array.from({ length: 24 }, (_, i) => [2_020n, 80n, 180n][i % 3]))
  expect(books()).toEqual({ user: 8n * 2_280n, provider: 8n * 2_280n })
  expect(stage.mismatches).toEqual([])
})

describe('an answer that does not come to its end', () => {
  test.each<[string, keyof typeof sold, RelayedCall]>([
    ['pictures', 'images', calls.image],
    ['a transcript', 'seconds', calls.transcription],
    ['speech', 'characters', calls.speech],
    ['a moderation', 'tokens', calls.moderation],
  ])('costs nothing when the upstream fails: %s', async (_what, unit, call) => {
    play(
      unit,
      pieces(() => Promise.reject(new ParleyError('backend_failed', 'it broke'))),
    )
    await expect(drain(stage.user.run(call, contextOf()))).rejects.toThrow(failed('backend_failed'))
    await stage.purse.flush(soon())
    expect(books()).toEqual({ user: 0n, provider: 0n })
  })

  test('half a speech that the provider broke off costs nothing, and is told as broken', async () => {
    play(
      'characters',
      pieces('half', () => Promise.reject(new ParleyError('stream_cut', 'it broke'))),
    )
    await expect(drain(stage.user.run(calls.speech, contextOf()))).rejects.toThrow(failed('stream_cut'))
    await stage.purse.flush(soon())
    expect(books()).toEqual({ user: 0n, provider: 0n })
  })

  test('a user that leaves in the middle of a speech pays its characters, which were all at work', async () => {
    const leaving = new AbortController()
    const context = contextOf({ signal: leaving.signal })
    const tick = () => new Promise(resolve => setImmediate(resolve))
    play('characters', pieces('half', tick, 'other half', tick, 'rest'))
    const reply = stage.user.run(calls.speech, context)
    await reply.next()
    leaving.abort()
    await expect(drain(reply)).rejects.toThrow(failed('cancelled'))
    await stage.purse.flush(soon())
    expect(receiptOf(stage, context)?.message).toMatchObject({ finishReason: 'cancelled', charge: 16n })
    expect(books()).toEqual({ user: 16n, provider: 16n })
  })

  test('a user that leaves before a picture is there pays the least a call costs', async () => {
    const leaving = new AbortController()
    const context = contextOf({ signal: leaving.signal })
    play('images', async function* (_call, { signal }) {
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      throw ParleyError.from(signal.reason, signal)
    })
    const drained = drain(stage.user.run(calls.image, context))
    await new Promise(resolve => setTimeout(resolve, 20))
    leaving.abort()
    await expect(drained).rejects.toThrow(failed('cancelled'))
    await stage.purse.flush(soon())
    expect(books()).toEqual({ user: 1n, provider: 1n })
  })

  test('a line cut behind the pictures: what left is charged, and believed as what may have left', async () => {
    let isCut = false
    play('images', telling(pictures(2)), {
      isCut: () => isCut,
      tamper: stack => ({
        ...stack,
        run: async function* (call, context) {
          for await (const chunk of stack.run(call, context)) {
            isCut = true
            yield chunk
          }
          return { usage: noUsage, servedBy: 'x' }
        },
      }),
    })
    await expect(drain(stage.user.run(calls.image, contextOf()))).rejects.toThrow(failed('stream_cut'))
    isCut = false
    await stage.purse.flush(soon())
    expect(books()).toEqual({ user: 80n, provider: 80n })
    expect(stage.mismatches).toEqual([])
  })
})

describe('a provider that lies', () => {
  /** Its receipts, changed and signed again. */
  const changing = (change: Record<string, string>): StageOptions => ({
    tamper: tampering(chunk => {
      if (chunk.event !== 'parley.receipt') return chunk
      const { message } = chunk.json() as { message: Record<string, string> }
      const told = { ...message, ...change }
      const json = { message: told, signature: `0x${'0'.repeat(130)}` }
      const signature = providerSigner.sign(notary.hashReceipt(receiptCodec.decode(json).message))
      return Chunk.message('parley.receipt', { message: told, signature })
    }),
  })

  test.each<[string, keyof typeof sold, RelayedCall, object, Record<string, string>]>([
    [
      'more pictures than arrived',
      'images',
      calls.image,
      pictures(1),
      { tokensOut: '2', charge: '80', cumulative: '80' },
    ],
    [
      'more pictures than asked',
      'images',
      calls.image,
      pictures(2),
      { tokensOut: '3', charge: '120', cumulative: '120' },
    ],
    [
      'more seconds than the file holds',
      'seconds',
      calls.transcription,
      { text: '' },
      { tokensIn: '9', charge: '27', cumulative: '27' },
    ],
    [
      'more seconds than it told',
      'seconds',
      calls.transcription,
      { duration: 3 },
      { tokensIn: '8', charge: '24', cumulative: '24' },
    ],
    [
      'more characters than were sent',
      'characters',
      calls.speech,
      {},
      { tokensIn: '9', charge: '18', cumulative: '18' },
    ],
    ['output of what has none', 'characters', calls.speech, {}, { tokensOut: '1' }],
    [
      'more tokens than there can be',
      'tokens',
      calls.moderation,
      {},
      { tokensIn: '9000', charge: '18000', cumulative: '18000' },
    ],
    ['a price above the quote', 'images', calls.image, pictures(1), { charge: '41', cumulative: '41' }],
  ])('about %s is not paid again', async (_what, unit, call, body, change) => {
    play(unit, telling(body), changing(change))
    await expect(drain(stage.user.run(call, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
    expect(stage.mismatches).toHaveLength(1)
    expect(books().user).toBe(0n)
    await expect(drain(stage.user.run(call, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
  })

  test('and asks for more than the file can hold is not paid again', async () => {
    const asking = Chunk.message('parley.need-voucher', { cumulative: '25' })
    play('seconds', telling({ text: '' }), {
      tamper: stack => ({
        ...stack,
        run: async function* (call, context) {
          yield asking
          return yield* stack.run(call, context)
        },
      }),
    })
    await expect(drain(stage.user.run(calls.transcription, contextOf()))).rejects.toThrow(failed('payment_mismatch'))
    expect(stage.mismatches).toHaveLength(1)
  })
})

const principal = { kind: 'peer', id: '12D3KooWUser' } as const
const unitsBy: Partial<Record<RelayedCall['task'], string>> = {
  speech: 'characters',
  transcription: 'seconds',
  translation: 'seconds',
  moderation: 'tokens',
  rerank: 'tokens',
}

async function openByHand() {
  const { signedHello } = await import('./messages.ts')
  return await stage.till.open(signedHello(), principal.id, soon())
}
