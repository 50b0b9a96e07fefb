import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPeer, createRemoteDesk, type PeerBackend } from '../../src/backends/index.ts'
import { createNotary, createSigner, deriveSessionKey } from '../../src/chain/index.ts'
import {
  type Address,
  type Hex,
  type Notary,
  ParleyError,
  type SessionGrant,
  type SignedVoucher,
  sessionHeader,
} from '../../src/core/index.ts'
import { createPeerNode, type PeerNode } from '../../src/p2p/index.ts'
import { voucherCodec } from '../../src/session/index.ts'
import { createScripted } from '../scripted.ts'
import { channelOf, type Market, offered, openMarket, providerAccount, readBook, until } from './market.ts'
import { bound, deposit } from './stage.ts'

const attackerAccount = 4
const scripted = createScripted('scripted', ['slow-150'])
const messages = [{ role: 'user' as const, content: 'hello' }]
let market: Market
/** A peer that speaks libp2p, holds an account in the escrow, and means harm. */
let attacker: PeerNode
let line: PeerBackend

beforeAll(async () => {
  market = await openMarket({ backend: scripted })
  await deposit(market.dev, attackerAccount, 1_000_000n)
  attacker = await createPeerNode({ role: 'user' })
  await attacker.start(bound())
  line = createPeer({ name: 'provider', open: openStream, connectTimeoutMs: 10_000, maxStreams: 8 })
  await offered(market.user.node, 'slow-150')
})
afterAll(async () => {
  await line?.close()
  await attacker?.stop()
  await market?.stop()
})

function openStream(signal: AbortSignal) {
  const { peerId } = market.provider.node.status().p2p as { peerId: string }
  return attacker.open({ peerId, addresses: [`/ip4/127.0.0.1/tcp/${market.provider.port}`] }, { signal })
}

/** Sends bytes to the provider's port and waits until it hangs up. */
async function throwAtPort(bytes: Uint8Array): Promise<void> {
  const socket = connect(market.provider.port, '127.0.0.1').on('error', () => undefined)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume().end(bytes)
  await closed
}

/** Says something on an authenticated stream that is to carry HTTP, and gives what was answered. A whole request waits. */
async function throwAtFront(bytes: Uint8Array | string, isWhole = true): Promise<string> {
  const stream = await openStream(bound())
  const pieces: Buffer[] = []
  const closed = new Promise(resolve => stream.once('close', resolve))
  stream.on('error', () => undefined).on('data', piece => pieces.push(piece))
  stream.on('end', () => stream.end())
  if (isWhole) stream.write(bytes)
  else stream.end(bytes)
  await closed
  return Buffer.concat(pieces).toString('latin1')
}

const request = (head: string, body = '') => `${head}\r\nhost: peer\r\nconnection: close\r\n${body}`
const posted = (path: string, body: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: peer\r\nconnection: close\r\ncontent-type: application/json\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

const formType = 'content-type: multipart/form-data; boundary=a\r\n'
const shortBody = 'a body shorter than its length'
const malformed: Record<string, () => Uint8Array | string> = {
  'random bytes': () => randomBytes(3_000),
  'no request line': () => 'HELLO\r\n\r\n',
  'an unknown method': () => request('BREW /v1/models HTTP/1.1', '\r\n'),
  'an unknown version': () => request('GET /v1/models HTTP/9.9', '\r\n'),
  'a path that is none': () => request('GET http://[::1 HTTP/1.1', '\r\n'),
  'a path with a broken escape': () => request('GET /v1/models/%E0%A4%A HTTP/1.1', '\r\n'),
  'headers without end': () => request('GET /v1/models HTTP/1.1', `x: ${'y'.repeat(40_000)}\r\n\r\n`),
  'a header with a zero byte': () => request('GET /v1/models HTTP/1.1', 'x: a\0b\r\n\r\n'),
  'two lengths': () => request('POST /v1/embeddings HTTP/1.1', 'content-length: 3\r\ncontent-length: 4\r\n\r\nabc'),
  'a length and chunks': () =>
    request('POST /v1/embeddings HTTP/1.1', 'content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
  'a chunk of negative size': () =>
    request('POST /v1/embeddings HTTP/1.1', 'transfer-encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n'),
  [shortBody]: () => request('POST /v1/embeddings HTTP/1.1', 'content-length: 30\r\n\r\nabc'),
  'a body that is not JSON': () => posted('/v1/chat/completions', '{"model": '),
  'a body of brackets': () => posted('/v1/chat/completions', '['.repeat(100_000)),
  'a body of the wrong shape': () => posted('/v1/chat/completions', '{"model":7,"messages":{}}'),
  'a body larger than allowed': () => posted('/v1/chat/completions', `"${'x'.repeat(5 << 20)}"`),
  'a hello that is none': () => posted('/parley/v1/session', '{"version":1,"domain":null}'),
  'a voucher without a session': () => posted('/parley/v1/voucher', '{}'),
  'a voucher for a session nobody has': () =>
    posted('/parley/v1/voucher', '{}', `${sessionHeader}: 0x${'ab'.repeat(32)}\r\n`),
  'a file without a session, of which nothing comes': () =>
    request('POST /v1/audio/transcriptions HTTP/1.1', `${formType}content-length: 20000000\r\n\r\n`),
  'a call without a session': () => posted('/v1/chat/completions', JSON.stringify({ model: 'slow-150', messages })),
}

describe('while an honest user streams a paid answer', () => {
  test('random bytes at the port and malformed HTTP on streams disturb nobody', async () => {
    const { node } = market.provider
    const honest = market.ai.chat.completions.stream({ model: 'slow-150', messages })
    const words = honest.finalContent()
    await until(() => scripted.script.open === 1, 'the honest stream runs')
    const noise = Array.from({ length: 60 }, () => throwAtPort(randomBytes(1 + Math.floor(Math.random() * 4_000))))
    const started = scripted.script.opened
    for (const [what, bytes] of Object.entries(malformed)) {
      const answer = await throwAtFront(bytes(), !what.includes('shorter'))
      expect([what, answer]).toEqual([what, expect.stringMatching(/^HTTP\/1\.1 4\d\d /)])
    }
    await Promise.all(noise)
    expect(await words).toBe(Array.from({ length: 150 }, (_, i) => `w${i} `).join(''))
    expect(scripted.script.opened).toBe(started)
    expect(node.log.recent().filter(({ type }) => type === 'service.failed')).toEqual([])
    const { rejected } = node.status().p2p as { rejected: { handshake: number } }
    expect(rejected.handshake).toBe(60)
    const [paid, earned] = [
      () => channelOf(market.user.home, 'user')!,
      () => channelOf(market.provider.home, 'provider')!,
    ]
    await until(() => paid().charged === earned().charged && paid().authorized >= paid().charged, 'it is paid')
  })
})

const other: Address = `0x${'d4'.repeat(20)}`

interface Account {
  readonly notary: Notary
  readonly payer: Address
  readonly provider: Address
  readonly grant: SessionGrant
  readonly sign: (change?: Change) => SignedVoucher
}

type Change = Partial<SignedVoucher['message'] & SignedVoucher['domain']> & { key?: Hex }

/** The attacker's own account, with a session that is in order. */
async function openAccount(): Promise<Account> {
  const { chainId, escrow, accounts } = market.dev
  const { address: payer, privateKey } = accounts[attackerAccount]!
  const domain = { chainId: BigInt(chainId), escrow }
  const notary = createNotary(domain)
  const sessionKey = deriveSessionKey(Buffer.from(privateKey.slice(2), 'hex'), { ...domain, epoch: 0n })
  const provider = accounts[providerAccount]!.address
  const nonce: Hex = `0x${randomBytes(32).toString('hex')}`
  const hello = { payer, provider, peerId: attacker.peerId, nonce, timestamp: BigInt(Date.now()) }
  const signature = createSigner(sessionKey).sign(notary.hashHello(hello))
  const desk = createRemoteDesk(line.client)
  const grant = await desk.open({ domain, message: hello, signature }, attacker.peerId, bound())
  const sign = ({ key, chainId = domain.chainId, escrow = domain.escrow, ...change }: Change = {}): SignedVoucher => {
    const message = { payer, provider, epoch: grant.epoch, cumulative: 1_000n, ...change }
    const elsewhere = { chainId, escrow }
    const signer = createSigner(key ?? sessionKey)
    return { domain: elsewhere, message, signature: signer.sign(createNotary(elsewhere).hashVoucher(message)) }
  }
  return { notary, payer, provider, grant, sign }
}

/** Posts a voucher as it is, and gives the total that was accepted or the code it was refused with. */
async function post({ grant }: Account, body: unknown, session: string = grant.session): Promise<string> {
  const headers = { [sessionHeader]: session }
  try {
    const said = await line.client.json('POST', '/parley/v1/voucher', body, bound(), headers)
    return (said as { accepted: string }).accepted
  } catch (cause) {
    return ParleyError.from(cause).code
  }
}

describe('a wrong voucher over the wire', () => {
  let account: Account
  const encoded = (change?: Change) => voucherCodec.encode(account.sign(change)) as Wire
  const holding = () =>
    readBook(market.provider.home, ledger =>
      ledger.channels('provider').find(({ key }) => key.payer.toLowerCase() === account.payer.toLowerCase()),
    )

  beforeAll(async () => {
    account = await openAccount()
    expect(await post(account, encoded())).toBe('1000')
  })

  const refusals: Record<string, [code: string, body: () => unknown]> = {
    'signed by another key': ['voucher_signature', () => encoded({ cumulative: 2_000n, key: `0x${'77'.repeat(32)}` })],
    'whose total was raised after signing': ['voucher_signature', () => raised(encoded(), '2000')],
    'for another chain': ['voucher_chain', () => encoded({ cumulative: 2_000n, chainId: 1n })],
    'for another contract': ['voucher_escrow', () => encoded({ cumulative: 2_000n, escrow: other })],
    'of another epoch': ['voucher_epoch', () => encoded({ cumulative: 2_000n, epoch: 1n })],
    'of another payer': ['voucher_payer', () => encoded({ cumulative: 2_000n, payer: other })],
    'for another provider': ['voucher_provider', () => encoded({ cumulative: 2_000n, provider: other })],
    'over a lower total': ['voucher_lower', () => encoded({ cumulative: 999n })],
    'that was accepted before': ['voucher_replayed', () => encoded()],
    'over more than the escrow holds': ['insufficient_funds', () => encoded({ cumulative: 1_000_001n })],
    'over more than fits': ['payment_invalid', () => raised(encoded(), String(2n ** 128n))],
    'over something that is no number': ['payment_invalid', () => raised(encoded(), '5b00')],
    'over less than nothing': ['payment_invalid', () => raised(encoded(), '-1')],
    'without a signature': ['payment_invalid', () => ({ ...encoded(), signature: undefined })],
  }
  for (const [what, [code, body]] of Object.entries(refusals)) {
    test(`${what} is refused as ${code}`, async () => {
      const before = holding()
      expect(await post(account, body())).toBe(code)
      expect(holding()).toEqual(before)
    })
  }

  test('in a session that is not its own is refused', async () => {
    expect(await post(account, encoded({ cumulative: 2_000n }), `0x${'ab'.repeat(32)}`)).toBe('session_unknown')
    expect(await post(account, encoded({ cumulative: 2_000n }), 'none')).toBe('session_unknown')
  })

  test('with any byte changed is refused, two hundred times, and the right one is still accepted', async () => {
    const right = encoded({ cumulative: 5_000n })
    const answers = new Set<string>()
    for (let i = 0; i < 200; i++) answers.add(await post(account, spoilt(right)))
    for (const answer of answers) expect(answer).toMatch(/^voucher_|^payment_invalid$|^insufficient_funds$/)
    expect(holding()!.authorized).toBe(1_000n)
    expect(await post(account, right)).toBe('5000')
    expect(holding()!.authorized).toBe(5_000n)
  })
})

interface Wire {
  domain: Record<string, string>
  message: Record<string, string>
  signature: string
}

function raised(voucher: Wire, cumulative: string): Wire {
  return { ...voucher, message: { ...voucher.message, cumulative } }
}

/** Changes one digit or letter a to f somewhere in a voucher. */
function spoilt(voucher: Wire): unknown {
  const text = JSON.stringify(voucher)
  const places = [...text.matchAll(/[0-9a-f]/g)].map(({ index }) => index)
  const at = places[Math.floor(Math.random() * places.length)]!
  const digit = (Number.parseInt(text[at]!, 16) + 1 + Math.floor(Math.random() * 15)) % 16
  return JSON.parse(`${text.slice(0, at)}${digit.toString(16)}${text.slice(at + 1)}`)
}
