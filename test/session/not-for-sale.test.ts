import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPeer } from '../../src/backends/index.ts'
import { type RelayedCall, systemRandom } from '../../src/core/index.ts'
import { createPeerFront } from '../../src/http/index.ts'
import { charging, paying } from '../../src/session/index.ts'
import { contextOf, createStage, drain, offer, provider, providerSigner, type Stage, userPeerId } from './stage.ts'

const model = offer.model.id
const form = [{ name: 'file', file: { name: 'a.mp3', type: 'audio/mpeg', bytes: new Uint8Array(8) } }]
const calls: Record<RelayedCall['task'], RelayedCall> = {
  image: { task: 'image', body: { model, prompt: 'a cat' } },
  imageEdit: { task: 'imageEdit', body: { model, form } },
  imageVariation: { task: 'imageVariation', body: { model, form } },
  speech: { task: 'speech', body: { model, input: 'hi' } },
  transcription: { task: 'transcription', body: { model, form } },
  translation: { task: 'translation', body: { model, form } },
  moderation: { task: 'moderation', body: { model, input: 'hi' } },
  rerank: { task: 'rerank', body: { model, query: 'cats', documents: ['dogs'] } },
}
const each = Object.values(calls).map(call => [call.task, call] as const)

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

const refused = { code: 'unsupported', mayRetry: true }

describe.each(each)('%s', (_task, call) => {
  test('is not answered by a provider, paid or free, whoever asks', async () => {
    const principal = { kind: 'peer', id: userPeerId } as const
    await expect(drain(charging(stage.till)(stage.backend).run(call, contextOf({ principal })))).rejects.toMatchObject(
      refused,
    )
    const free = charging({ ...stage.till, isFree: () => true })(stage.backend)
    await expect(drain(free.run(call, contextOf()))).rejects.toMatchObject(refused)
    expect(stage.backend.calls).toBe(0)
  })

  test('is not bought: the peer hears nothing of it, and nothing is signed', async () => {
    const heard: string[] = []
    const told = (name: string) => () => {
      heard.push(name)
      throw new TypeError(name)
    }
    const desk = { quotes: told('quotes'), open: told('open'), voucher: told('voucher'), receipts: told('receipts') }
    const peer = { provider, signer: providerSigner.address, desk }
    await expect(drain(paying(stage.purse, peer)(stage.backend).run(call, contextOf()))).rejects.toMatchObject(refused)
    expect(heard).toEqual([])
    expect(stage.backend.calls).toBe(0)
    expect(stage.userLedger.channels('user')).toEqual([])
  })

  test('is not even sent by the backend of a peer', async () => {
    let opened = 0
    const open = () => {
      opened++
      return Promise.reject(new TypeError('opened'))
    }
    const peer = createPeer({ name: 'peer', open, connectTimeoutMs: 1_000, maxStreams: 4 })
    await expect(drain(peer.run(call, contextOf()))).rejects.toMatchObject(refused)
    expect(opened).toBe(0)
    await peer.destroy()
  })
})

test('the front for peers has none of the routes', async () => {
  const limits = { heartbeatMs: 15_000, stallMs: 5_000, maxBodyBytes: 1 << 20, bodyTimeoutMs: 5_000 }
  const front = createPeerFront({
    ...limits,
    backend: stage.backend,
    desk: stage.till,
    random: systemRandom,
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 5_000,
    maxConnections: 8,
    onError: (_id, error) => console.error(error),
  })
  const caller = { principal: { kind: 'peer', id: userPeerId } } as const
  const server = createServer(socket => front.accept(socket, caller))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const posts = [
    '/v1/images/generations',
    '/v1/images/edits',
    '/v1/images/variations',
    '/v1/audio/speech',
    '/v1/audio/transcriptions',
    '/v1/audio/translations',
    '/v1/moderations',
    '/v1/rerank',
    '/rerank',
    '/v1/files',
    '/v1/fine_tuning/jobs',
  ]
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const body = JSON.stringify({ model, prompt: 'a', input: 'a', query: 'a', documents: ['a'] })
  const answers = await Promise.all(posts.map(path => fetch(url + path, { method: 'POST', headers, body })))
  expect(answers.map(({ status }) => status)).toEqual(posts.map(() => 404))
  expect(stage.backend.calls).toBe(0)
  await front.close(AbortSignal.abort())
  server.close()
})
