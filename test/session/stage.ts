import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNotary, createSigner } from '../../src/chain/index.ts'
import type {
  Address,
  Backend,
  CashDesk,
  ChannelKey,
  Clock,
  Context,
  EscrowAccount,
  EscrowPair,
  EscrowReader,
  Ledger,
  LoggedEvent,
  Reply,
  SignedReceipt,
  TokenCall,
} from '../../src/core/index.ts'
import { createEventLog, ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import {
  acceptedCodec,
  charging,
  createPieceReader,
  createPurse,
  createTill,
  grantCodec,
  helloCodec,
  type OfferedModel,
  type PurseOptions,
  paying,
  piecesOf,
  receiptsCodec,
  sheetCodec,
  type Till,
  type TillOptions,
  voucherCodec,
} from '../../src/session/index.ts'
import { createLedger } from '../../src/store/index.ts'

export const domain = { chainId: 31_337n, escrow: `0x${'e5'.repeat(20)}` } as const
export const notary = createNotary(domain)
export const sessionSigner = createSigner(`0x${'11'.repeat(32)}`)
export const providerSigner = createSigner(`0x${'22'.repeat(32)}`)
export const payer: Address = `0x${'a1'.repeat(20)}`
export const provider: Address = `0x${'b2'.repeat(20)}`
export const userPeerId = '12D3KooWUser'
export const userKey: ChannelKey = { side: 'user', ...domain, payer, provider, epoch: 0n }
export const providerKey: ChannelKey = { ...userKey, side: 'provider' }

/** Prices at which one token of output costs 10 units, one of input 2: easy to add up by hand. */
export const offer: OfferedModel = {
  model: { id: 'nano', object: 'model', created: 0, owned_by: 'tests' },
  modelId: `0x${'77'.repeat(32)}`,
  unit: 'tokens',
  priceIn: 2_000_000n,
  priceCachedIn: 1_000_000n,
  priceOut: 10_000_000n,
  minimumCharge: 5n,
  windowTokens: 64,
  contextTokens: 4_096,
  concurrency: 8,
}

/** The escrow as a plain book: what a chain would answer, set by the test. */
export class EscrowBook implements EscrowReader {
  reads = 0
  isDown = false
  state: EscrowAccount & EscrowPair = {
    signer: sessionSigner.address,
    free: 10_000_000n,
    epoch: 0n,
    exitReadyAt: undefined,
    claimed: 0n,
    reserved: 0n,
  }

  account = async (): Promise<EscrowAccount> => this.#read()
  pair = async (): Promise<EscrowPair> => this.#read()

  #read(): EscrowAccount & EscrowPair {
    this.reads++
    if (this.isDown) throw new ParleyError('chain_unavailable', 'no RPC endpoint answers')
    return this.state
  }
}

/** What a backend says, and how: one chunk a token, each a word of four letters. */
export interface Speech {
  tokens: number
  promptTokens?: number
  usageOut?: number
  knowsTokens?: boolean
  /** Called before each token; may wait or throw. */
  before?: (token: number, signal: AbortSignal) => Promise<void> | void
}

export function speaker(speech: () => Speech): Backend & { calls: number } {
  const backend = {
    name: 'speaker',
    calls: 0,
    models: async () => [offer.model],
    run: (_call: unknown, context: Context) => {
      backend.calls++
      return speak(speech(), context)
    },
  }
  return backend
}

async function* speak(speech: Speech, { signal }: Context): Reply {
  const { tokens, promptTokens = 10, usageOut = tokens, knowsTokens = false, before } = speech
  for (let token = 0; token < tokens; token++) {
    if (signal.aborted) throw ParleyError.from(signal.reason, signal)
    await before?.(token, signal)
    const meta = knowsTokens ? { outputTokens: 1, ...(token === 0 && { promptTokens }) } : {}
    yield Chunk.of(delta({ content: 'word' }), meta)
  }
  const usage = usageOf(promptTokens, usageOut)
  yield Chunk.of({ ...delta({}), choices: [], usage })
  return { usage, servedBy: 'speaker', finishReason: 'stop' }
}

function delta(fields: object): object {
  const choices = [{ index: 0, delta: fields, finish_reason: null }]
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'nano', choices }
}

/** The provider's stack as a user reaches it: every chunk as bytes, every error as its body, every message as JSON. */
export function hop(stack: Backend, isCut: () => boolean = () => false): Backend {
  return {
    name: 'peer',
    models: signal => stack.models(signal),
    run: async function* (call, context) {
      const { signal, headers, id } = context
      const principal = { kind: 'peer', id: userPeerId } as const
      const reply = stack.run(call, { id, signal, headers, principal })
      try {
        for (;;) {
          if (isCut()) throw new ParleyError('stream_cut', 'the line is cut')
          const step = await reply.next()
          if (isCut()) throw new ParleyError('stream_cut', 'the line is cut')
          if (step.done === true) return { usage: step.value.usage, servedBy: 'peer', finishReason: 'stop' }
          for (const chunk of overTheWire(step.value)) yield chunk
        }
      } catch (cause) {
        if (isCut()) throw new ParleyError('stream_cut', 'the line is cut')
        if (cause instanceof ParleyError && cause.code !== 'stream_cut') throw ParleyError.fromBody(cause.toBody())
        throw cause
      } finally {
        const left = reply.return(undefined as never)
        await (isCut() ? left.catch(() => undefined) : left)
      }
    },
  }
}

const pieceReader = createPieceReader(1 << 26)

/** A chunk as the other side reads it: as bytes, a raw one in pieces that are put together again. */
function overTheWire(chunk: Chunk): Chunk[] {
  if (!chunk.isRaw) return [Chunk.relayed(Uint8Array.from(chunk.bytes))]
  return [...piecesOf(chunk)].flatMap(piece => pieceReader.add(Chunk.relayed(Uint8Array.from(piece))) ?? [])
}

export function remoteDesk(desk: () => CashDesk, isCut: () => boolean = () => false): CashDesk {
  const over = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isCut()) throw new ParleyError('peer_unreachable', 'the line is cut')
    try {
      const answer = await work()
      if (isCut()) throw new ParleyError('peer_unreachable', 'the line is cut')
      return answer
    } catch (cause) {
      const error = isCut() ? new ParleyError('peer_unreachable', 'the line is cut') : ParleyError.from(cause)
      throw error.code === 'peer_unreachable' ? error : ParleyError.fromBody(JSON.parse(JSON.stringify(error.toBody())))
    }
  }
  const through = <T>(codec: { encode: (value: T) => unknown; decode: (json: unknown) => T }, value: T): T =>
    codec.decode(JSON.parse(JSON.stringify(codec.encode(value))))
  return {
    quotes: signal => over(async () => through(sheetCodec, await desk().quotes(signal))),
    open: (hello, peerId, signal, given) =>
      over(async () => {
        const { held, version: _, ...plain } = through(helloCodec, { version: 1 as const, ...hello, held: given })
        return through(grantCodec, await desk().open(plain, peerId, signal, held))
      }),
    voucher: (session, voucher, signal) =>
      over(async () => {
        const accepted = await desk().voucher(session, through(voucherCodec, voucher), signal)
        return through(acceptedCodec, { accepted }).accepted
      }),
    receipts: (session, ids, signal) =>
      over(async () => through(receiptsCodec, { receipts: await desk().receipts(session, ids, signal) }).receipts),
  }
}

export interface Stage {
  readonly escrow: EscrowBook
  readonly till: Till
  readonly desk: CashDesk
  readonly userLedger: Ledger
  readonly providerLedger: Ledger
  readonly backend: Backend & { calls: number }
  readonly user: Backend
  readonly purse: ReturnType<typeof createPurse>
  readonly events: () => readonly LoggedEvent[]
  readonly mismatches: ParleyError[]
  /** Both nodes lose what they had in memory. */
  readonly restartUser: (disk?: 'kept' | 'lost') => void
  readonly restartProvider: (disk?: 'kept' | 'lost') => void
  readonly close: () => void
}

export interface StageOptions {
  speech?: () => Speech
  /** Answers in place of the speaker. */
  answers?: Backend['run']
  /** What is for sale in place of the stage's offer. */
  offer?: OfferedModel
  till?: Partial<TillOptions>
  purse?: Partial<PurseOptions>
  clock?: Clock
  isCut?: () => boolean
  /** Stands between charging and the hop: how a dishonest provider is played. */
  tamper?: (stack: Backend) => Backend
  tamperDesk?: (desk: CashDesk) => CashDesk
  wrapLedger?: (side: ChannelKey['side'], ledger: Ledger) => Ledger
}

/** A provider whose chunks are changed before they leave; undefined for one that is lost. */
export function tampering(change: (chunk: Chunk) => Chunk | undefined): (stack: Backend) => Backend {
  return stack => ({
    ...stack,
    run: async function* (call, context) {
      const reply = stack.run(call, context)
      for (let step = await reply.next(); ; step = await reply.next()) {
        if (step.done === true) return step.value
        const changed = change(step.value)
        if (changed !== undefined) yield changed
      }
    },
  })
}

/** A user and a provider with real ledgers and real signatures, joined by codecs instead of a network. */
export function createStage(options: StageOptions = {}): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'parley-session-'))
  const clock = options.clock ?? systemClock
  const escrow = new EscrowBook()
  const log = createEventLog(clock.now, 10_000)
  const { answers, offer: sold = offer } = options
  const spoken = speaker(options.speech ?? (() => ({ tokens: 5 })))
  const backend = answers === undefined ? spoken : Object.assign(spoken, { run: counted(spoken, answers) })
  const mismatches: ParleyError[] = []
  const disks = { user: 0, provider: 0 }
  const open = (side: ChannelKey['side']) => createLedger(join(folder, `${side}-${disks[side]}.db`), { clock })
  const wrap = options.wrapLedger ?? ((_, ledger) => ledger)
  let userLedger = open('user')
  let providerLedger = open('provider')
  const shared = { notary, clock, random: systemRandom, log }
  const newTill = () =>
    createTill({
      ...shared,
      provider,
      signer: providerSigner,
      escrow,
      ledger: wrap('provider', providerLedger),
      offers: () => [sold],
      ...options.till,
      limits: { escrowRefreshMs: 1_000_000, voucherTimeoutMs: 2_000, ...options.till?.limits },
    })
  const newPurse = () =>
    createPurse({
      ...shared,
      payer,
      peerId: userPeerId,
      signer: sessionSigner,
      ledger: wrap('user', userLedger),
      escrow,
      timeoutMs: 5_000,
      onMismatch: (_, error) => mismatches.push(error),
      ...options.purse,
    })
  let till = newTill()
  let purse = newPurse()
  const desk = remoteDesk(() => (options.tamperDesk ?? same)(till), options.isCut)
  const stack: Backend = {
    name: 'provider',
    models: backend.models,
    run: (call, context) => (options.tamper ?? same)(charging(till)(backend)).run(call, context),
  }
  const peer = { provider, signer: providerSigner.address, desk }
  const remote = hop(stack, options.isCut)
  return {
    escrow,
    desk,
    backend,
    mismatches,
    get till() {
      return till
    },
    get purse() {
      return purse
    },
    get userLedger() {
      return userLedger
    },
    get providerLedger() {
      return providerLedger
    },
    user: {
      name: 'user',
      models: backend.models,
      run: (call, context) => paying(purse, peer)(remote).run(call, context),
    },
    events: log.recent,
    restartUser: (disk = 'kept') => {
      userLedger.close()
      if (disk === 'lost') disks.user++
      userLedger = open('user')
      purse = newPurse()
    },
    restartProvider: (disk = 'kept') => {
      providerLedger.close()
      if (disk === 'lost') disks.provider++
      providerLedger = open('provider')
      till = newTill()
    },
    close: () => {
      userLedger.close()
      providerLedger.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The newest receipt a call of this context left in the user's book, found by the name it had between the nodes. */
export function receiptOf({ events, userLedger }: Stage, { id }: Context): SignedReceipt | undefined {
  const taken = events().flatMap(event => (event.type === 'receipt.taken' && event.call === id ? [event] : []))
  return taken.length === 0 ? undefined : userLedger.receipts(userKey, [taken.at(-1)!.requestId])[0]
}

function counted(backend: { calls: number }, run: Backend['run']): Backend['run'] {
  return (call, context) => {
    backend.calls++
    return run(call, context)
  }
}

function same<T>(value: T): T {
  return value
}

let named = 0

export function contextOf(fields: Partial<Context> = {}): Context {
  return {
    id: `call-${String(++named).padStart(8, '0')}`,
    signal: new AbortController().signal,
    principal: { kind: 'key', id: 'key-1' },
    headers: {},
    ...fields,
  }
}

export const question: TokenCall = {
  task: 'chat',
  body: { model: 'nano', messages: [{ role: 'user', content: 'hello there, how are you?' }] },
}

/** What the question costs at the stage's prices before any output: (25 bytes / 4 rounded up + 8) tokens × 2. */
export const questionPrice = 30n

export async function drain(reply: Reply) {
  const chunks: Chunk[] = []
  for (;;) {
    const step = await reply.next()
    if (step.done === true) return { chunks, outcome: step.value }
    chunks.push(step.value)
  }
}
