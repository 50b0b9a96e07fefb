import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createPeer, createRemoteDesk, type PeerBackend } from '../../src/backends/index.ts'
import { createNotary, createSigner, zeroAddress } from '../../src/chain/index.ts'
import {
  type Backend,
  type CashDesk,
  createEventLog,
  type EscrowReader,
  ParleyError,
  systemClock,
  systemRandom,
} from '../../src/core/index.ts'
import { createPeerFront } from '../../src/http/index.ts'
import { createIdentity, createPeerNode, type PeerNode } from '../../src/p2p/index.ts'
import { charging, createPurse, createTill, freeRail, type OfferedModel, paying } from '../../src/session/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { compliance, type Subject } from '../compliance.ts'

const notary = createNotary({ chainId: 31_337n, escrow: `0x${'e5'.repeat(20)}` })
const payer = createSigner(`0x${'11'.repeat(32)}`)
const sessionKey = createSigner(`0x${'22'.repeat(32)}`)
const provider = createSigner(`0x${'33'.repeat(32)}`)
const given = { notary, clock: systemClock, random: systemRandom, log: createEventLog(systemClock.now) }
const spoken = ['slow-1000', 'mute-1', 'break-3', 'cut-3', 'big-1', 'greet-1', 'tool-1', 'vec-1', 'flood-4000']
const names = [...Array.from({ length: 16 }, (_, i) => `say-${i + 1}`), ...spoken]

compliance('a peer that asks for nothing, over libp2p and Noise', async truth => {
  const line = await createLine(truth, createFreeDesk())
  const paid = { provider: provider.address, signer: provider.address, desk: createRemoteDesk(line.peer.client) }
  return { backend: freeRail.paying(paid)(line.peer), stop: line.stop }
})

compliance('a peer that is paid, over libp2p and Noise', async truth => {
  const books = openBooks()
  const till = createTill({
    ...given,
    provider: provider.address,
    signer: provider,
    escrow: fullEscrow,
    ledger: books.provider,
    offers: () => names.map(offer),
  })
  const line = await createLine(charging(till)(truth), till)
  const purse = createPurse({
    ...given,
    payer: payer.address,
    peerId: line.user.peerId,
    signer: sessionKey,
    escrow: fullEscrow,
    ledger: books.user,
  })
  const paid = { provider: provider.address, signer: provider.address, desk: createRemoteDesk(line.peer.client) }
  const stop = async () => {
    await purse.flush(AbortSignal.timeout(5_000))
    const [spent] = books.user.channels('user')
    const [earned] = books.provider.channels('provider')
    await line.stop()
    books.close()
    expect(spent!.charged).toBeGreaterThan(0n)
    expect(spent).toMatchObject({ charged: earned!.charged, authorized: earned!.authorized })
    expect(earned!.authorized).toBeGreaterThanOrEqual(earned!.charged)
  }
  return { backend: paying(purse, paid)(line.peer), stop }
})

interface Line {
  readonly user: PeerNode
  readonly peer: PeerBackend
  readonly stop: NonNullable<Subject['stop']>
}

/** A provider's stack behind its front on a libp2p node, and the way to it from another node. */
async function createLine(backend: Backend, desk: CashDesk): Promise<Line> {
  const front = createPeerFront({
    backend,
    desk,
    random: systemRandom,
    heartbeatMs: 15_000,
    stallMs: 30_000,
    maxBodyBytes: 4 << 20,
    bodyTimeoutMs: 10_000,
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 60_000,
    maxConnections: 1_000,
    onError: (_id, error) => console.error(error),
  })
  const { key } = await createIdentity()
  const trusted = ['127.0.0.0/8']
  const far = await createPeerNode({ role: 'provider', key, listen: ['/ip4/127.0.0.1/tcp/0'], trusted })
  const user = await createPeerNode({ role: 'user' })
  await far.start(AbortSignal.timeout(20_000))
  await user.start(AbortSignal.timeout(20_000))
  await far.serve((socket, { peerId }) => front.accept(socket, { principal: { kind: 'peer', id: peerId } }))
  const peer = createPeer({
    name: 'peer',
    open: signal => user.open({ peerId: far.peerId, addresses: far.addresses() }, { signal }),
    connectTimeoutMs: 20_000,
    maxStreams: 64,
  })
  const stop = async () => {
    await peer.close()
    await user.stop()
    await front.close(AbortSignal.abort())
    await far.stop()
  }
  return { user, peer, stop }
}

function createFreeDesk(): CashDesk {
  const refuse = async () => {
    throw new ParleyError('not_found', 'nothing is paid here')
  }
  const { domain } = notary
  const quotes = async () => ({ provider: zeroAddress, domain, rail: 'free' as const, models: [] })
  return { quotes, open: refuse, voucher: refuse, receipts: refuse }
}

function openBooks() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'))
  const open = (side: string) => createLedger(join(folder, `${side}.db`), { clock: systemClock })
  const [user, provider] = [open('user'), open('provider')]
  const close = () => {
    user.close()
    provider.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { user, provider, close }
}

/** What a chain would answer about a payer with plenty of money. */
const fullEscrow: EscrowReader = {
  account: async () => ({ signer: sessionKey.address, free: 10n ** 12n, epoch: 0n, exitReadyAt: undefined }),
  pair: async () => ({ claimed: 0n, reserved: 0n }),
}

function offer(id: string): OfferedModel {
  return {
    model: { id, object: 'model', created: 0, owned_by: 'test' },
    modelId: `0x${Buffer.from(id).toString('hex').padStart(64, '0')}`,
    unit: 'tokens',
    priceIn: 200_000n,
    priceCachedIn: 50_000n,
    priceOut: 600_000n,
    minimumCharge: 10n,
    windowTokens: 256,
    contextTokens: 4_096,
    concurrency: 32,
  }
}
