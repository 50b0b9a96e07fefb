import { afterAll, beforeAll, expect, test } from 'vitest'
import { escrowAbi } from '../../src/chain/generated/escrow.ts'
import {
  createEscrowPayer,
  createEscrowProvider,
  createEscrowReader,
  createNotary,
  createSender,
  createSigner,
  createTokenReader,
  deriveSessionKey,
  mintTestToken,
  readEscrowTerms,
  readPositions,
  type Sender,
  zeroAddress,
} from '../../src/chain/index.ts'
import { allowSpending } from '../../src/chain/spending.ts'
import type { Address, Notary, SignedVoucher, Signer } from '../../src/core/index.ts'
import { type DevChain, failure, soon, startDevChain, UNIT } from './dev-chain.ts'

let dev: DevChain
let notary: Notary

beforeAll(async () => {
  dev = await startDevChain()
  notary = createNotary({ chainId: BigInt(dev.chainId), escrow: dev.escrow })
}, 90_000)

afterAll(() => dev?.stop())

const voucher = (key: Signer, message: SignedVoucher['message']): SignedVoucher => ({
  message,
  signature: key.sign(notary.hashVoucher(message)),
  domain: notary.domain,
})

/** A payer with money and a session key, and an empty provider. */
async function cast(payerIndex: number, amount = 10n * UNIT) {
  const sender = dev.account(payerIndex)
  const reader = createEscrowReader(dev.chain)
  const { epoch } = await reader.account(sender.signer.address, soon())
  const key = createSigner(deriveSessionKey(Buffer.alloc(32, payerIndex + 1), { ...notary.domain, epoch }))
  const payer = createEscrowPayer(sender)
  const deposited = await payer.deposit(amount, key.address, soon())
  const pay = (provider: Address, cumulative: bigint) =>
    voucher(key, { payer: sender.signer.address, provider, epoch, cumulative })
  return { sender, reader, key, payer, pay, epoch, deposited, address: sender.signer.address }
}

test('the digest of a voucher equals the one the escrow computes', async () => {
  const message = {
    payer: dev.accounts[0]!.address,
    provider: dev.accounts[1]!.address,
    epoch: 7n,
    cumulative: 2n ** 128n - 1n,
  }
  const onChain = await dev.chain.ask('reading the digest', soon(), client =>
    client.readContract({
      address: dev.escrow,
      abi: escrowAbi,
      functionName: 'voucherDigest',
      args: [message.payer, message.provider, message.epoch, message.cumulative],
    }),
  )
  expect(notary.hashVoucher(message)).toBe(onChain)
})

test('a deposit takes one transaction, by permit, and a claim pays the provider what the voucher says', async () => {
  const { address, deposited, reader, pay, key, sender } = await cast(0)
  expect(deposited.hash).toMatch(/^0x[0-9a-f]{64}$/)
  expect(deposited.gasUsed).toBeGreaterThan(0n)
  expect(await reader.account(address, soon())).toEqual({
    signer: key.address,
    free: 10n * UNIT,
    epoch: 0n,
    exitReadyAt: undefined,
  })
  const nonce = await dev.chain.ask('counting', soon(), client => client.getTransactionCount({ address }))
  await createEscrowPayer(sender).deposit(UNIT, key.address, soon())
  expect(await dev.chain.ask('counting', soon(), client => client.getTransactionCount({ address }))).toBe(nonce + 1)

  const provider = dev.account(1)
  const token = createTokenReader(dev.chain, dev.token)
  const before = await token.balance(provider.signer.address, soon())
  const result = await createEscrowProvider(provider).claim(
    provider.signer.address,
    [pay(provider.signer.address, 3n * UNIT)],
    soon(),
  )
  expect(result.rows).toEqual([
    { payer: address, cumulative: 3n * UNIT, outcome: 'paid', paid: 3n * UNIT, claimed: 3n * UNIT },
  ])
  expect(result.paid).toBe(3n * UNIT)
  expect(result.failure).toBeUndefined()
  expect(await token.balance(provider.signer.address, soon())).toBe(before + 3n * UNIT)
  expect(await reader.pair(address, provider.signer.address, soon())).toEqual({ claimed: 3n * UNIT, reserved: 0n })
})

test('bad vouchers in a claim are told apart and spoil nothing', async () => {
  const [one, two] = [await cast(2), await cast(3, 2n * UNIT)]
  const provider = dev.account(1)
  const name = provider.signer.address
  const stranger = createSigner(`0x${'33'.repeat(32)}`)
  const good = one.pay(name, 4n * UNIT)
  const rows = [
    good,
    { ...two.pay(name, UNIT), signature: stranger.sign(notary.hashVoucher(two.pay(name, UNIT).message)) },
    { ...two.pay(name, UNIT), signature: '0x1234' as const },
    two.pay(dev.accounts[4]!.address, UNIT),
    voucher(two.key, { ...two.pay(name, UNIT).message, epoch: 5n }),
    one.pay(name, 2n * UNIT),
    two.pay(name, 5n * UNIT),
  ]
  const result = await createEscrowProvider(provider, { rowsMax: 2 }).claim(name, rows, soon())
  expect(result.rows.map(row => (row.outcome === 'paid' ? row.paid : row.reason))).toEqual([
    4n * UNIT,
    'signature',
    'signature',
    'signature',
    'signature',
    'stale',
    2n * UNIT,
  ])
  expect(result.paid).toBe(6n * UNIT)
  expect(result.transactions).toHaveLength(2)

  const again = await createEscrowProvider(provider).claim(name, [good, two.pay(name, 5n * UNIT)], soon())
  expect(again.rows.map(row => row.outcome === 'skipped' && row.reason)).toEqual(['stale', 'unfunded'])
  expect(again.transactions).toEqual([])
})

test('a payer leaves after the delay with what is left, and its old vouchers are worth nothing afterwards', async () => {
  const { address, payer, reader, pay, key } = await cast(4, 5n * UNIT)
  const provider = dev.account(1)
  const early = await failure(payer.withdraw([], soon()))
  expect(early.code).toBe('transaction_failed')
  expect(early.message).toBe('the withdrawal failed: no exit was requested; request it first (ExitNotRequested)')

  await payer.requestExit(soon())
  const { exitReadyAt } = await reader.account(address, soon())
  expect(exitReadyAt).toBeTypeOf('bigint')
  const soonAfter = await failure(payer.withdraw([], soon()))
  expect(soonAfter.message).toContain(`try again at ${exitReadyAt} (ExitNotReady)`)
  expect(soonAfter.details).toMatchObject({ reason: 'ExitNotReady', exitAt: String(exitReadyAt) })

  const { exitDelaySeconds } = await readEscrowTerms(dev.chain, soon())
  await dev.later(Number(exitDelaySeconds) + 1)
  const token = createTokenReader(dev.chain, dev.token)
  const before = await token.balance(address, soon())
  await payer.withdraw([], soon())
  expect(await token.balance(address, soon())).toBe(before + 5n * UNIT)
  expect(await reader.account(address, soon())).toMatchObject({ signer: zeroAddress, free: 0n, epoch: 1n })

  const late = await createEscrowProvider(provider).claim(
    provider.signer.address,
    [pay(provider.signer.address, UNIT)],
    soon(),
  )
  expect(late.rows[0]).toMatchObject({ outcome: 'skipped', reason: 'signature' })
  const sameKey = await failure(payer.deposit(UNIT, key.address, soon()))
  expect(sameKey.message).toContain('needs a new one (SignerInvalid)')
})

test('a provider reserves what the session key signed, and releases it', async () => {
  const { address, key, epoch } = await cast(0, 2n * UNIT)
  const sender = dev.account(1)
  const provider = sender.signer.address
  const [position] = await readPositions(dev.chain, { provider, payers: [address] }, soon())
  const cumulative = position!.claimed + UNIT
  const digest = await dev.chain.ask('reading the digest', soon(), client =>
    client.readContract({
      address: dev.escrow,
      abi: escrowAbi,
      functionName: 'reservationDigest',
      args: [address, provider, epoch, position!.releases, cumulative],
    }),
  )
  const escrow = createEscrowProvider(sender)
  await escrow.reserve(address, cumulative, key.sign(digest), soon())
  const reader = createEscrowReader(dev.chain)
  expect((await reader.pair(address, provider, soon())).reserved).toBe(UNIT)
  await escrow.release(address, soon())
  expect((await reader.pair(address, provider, soon())).reserved).toBe(0n)
  expect((await failure(escrow.release(address, soon()))).message).toContain('nothing is reserved')
})

test('a session key is replaced after the delay', async () => {
  const { payer, reader, address } = await cast(2, UNIT)
  const next = createSigner(`0x${'55'.repeat(32)}`)
  await payer.requestRotation(next.address, soon())
  expect((await failure(payer.rotate(soon()))).message).toContain('(RotationNotReady)')
  const [position] = await readPositions(dev.chain, { provider: dev.accounts[1]!.address, payers: [address] }, soon())
  expect(position?.nextSigner?.address).toBe(next.address)
  await dev.later(61)
  await payer.rotate(soon())
  expect((await reader.account(address, soon())).signer).toBe(next.address)
})

test('transactions of one account wait for each other, whoever sends them', async () => {
  const { signer } = dev.account(3)
  const mint = (amount: bigint) =>
    mintTestToken(dev.account(3), { token: dev.token, to: signer.address, amount }, soon())
  const token = createTokenReader(dev.chain, dev.token)
  const before = await token.balance(signer.address, soon())
  const sent = await Promise.all([1n, 2n, 3n, 4n, 5n].map(mint))
  expect(new Set(sent.map(one => one.hash)).size).toBe(5)
  expect(await token.balance(signer.address, soon())).toBe(before + 15n)
})

test('whoever gives up waiting for a turn sends nothing and holds nobody up', async () => {
  const sender: Sender = dev.account(3)
  const mint = { token: dev.token, to: sender.signer.address, amount: 1n }
  const first = mintTestToken(sender, mint, soon())
  const left = failure(mintTestToken(sender, mint, AbortSignal.abort()))
  const third = mintTestToken(sender, mint, soon())
  expect((await left).code).toBe('cancelled')
  expect((await third).blockNumber).toBeGreaterThan((await first).blockNumber)
})

test('more than one holds is refused before anything is sent', async () => {
  const sender = dev.account(3)
  const error = await failure(createEscrowPayer(sender).deposit(2n ** 80n, sender.signer.address, soon()))
  expect(error.code).toBe('insufficient_funds')
  expect(error.message).toContain(`needs ${2n ** 80n}`)
})

test('an account without gas is told so', async () => {
  const poor = createSender(dev.chain, createSigner(`0x${'77'.repeat(32)}`))
  const error = await failure(mintTestToken(poor, { token: dev.token, to: dev.escrow, amount: 1n }, soon()))
  expect(error.code).toBe('insufficient_funds')
  expect(error.message).toContain('gas')
})

test('an allowance is used where it is enough, and replaced by way of zero where it is not', async () => {
  const sender = dev.account(1)
  const token = createTokenReader(dev.chain, dev.token)
  const count = () => dev.chain.ask('counting', soon(), client => client.getTransactionCount({ address: owner }))
  const owner = sender.signer.address
  const spending = { token: dev.token, spender: dev.escrow, usesPermit: false }
  const start = await count()
  await allowSpending(sender, { ...spending, amount: 5n }, soon())
  expect([await count(), await token.allowance(owner, dev.escrow, soon())]).toEqual([start + 1, 5n])
  await allowSpending(sender, { ...spending, amount: 4n }, soon())
  expect(await count()).toBe(start + 1)
  await allowSpending(sender, { ...spending, amount: 9n }, soon())
  expect([await count(), await token.allowance(owner, dev.escrow, soon())]).toEqual([start + 3, 9n])
  await createEscrowPayer(sender).deposit(9n, owner, soon())
  expect([await count(), await token.allowance(owner, dev.escrow, soon())]).toEqual([start + 4, 0n])
})

test('a token is described by its symbol and decimals', async () => {
  const token = createTokenReader(dev.chain, dev.token)
  expect(await token.describe(soon())).toEqual({ address: dev.token, symbol: 'PTD', decimals: 6 })
  expect(await token.gasBalance(dev.accounts[0]!.address, soon())).toBeGreaterThan(0n)
})
