import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ChannelKey, Receipt, SignedReceipt, SignedVoucher } from '../../src/core/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'

let folder: string
let path: string
const clock = { ...systemClock, now: () => 1_000 }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-ledger-'))
  path = join(folder, 'inner', 'ledger.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const key: ChannelKey = {
  side: 'user',
  chainId: 31_337n,
  escrow: `0x${'e'.repeat(40)}`,
  payer: `0x${'a'.repeat(40)}`,
  provider: `0x${'b'.repeat(40)}`,
  epoch: 1n,
}
const huge = 2n ** 128n - 1n

function voucher(cumulative: bigint, signature: `0x${string}` = `0x${cumulative.toString(16)}`): SignedVoucher {
  const { payer, provider, epoch, chainId, escrow } = key
  return { domain: { chainId, escrow }, message: { payer, provider, epoch, cumulative }, signature }
}

function receipt(seq: bigint, cumulative: bigint, fields: Partial<Receipt> = {}): SignedReceipt {
  const hash = `0x${'1'.repeat(64)}` as const
  const message: Receipt = {
    session: hash,
    seq,
    requestId: 'call-1',
    modelId: hash,
    promptCommit: hash,
    responseCommit: hash,
    tokensIn: 3n,
    tokensCached: 0n,
    tokensOut: 5n,
    charge: cumulative,
    cumulative,
    quoteHash: hash,
    seed: 2n ** 64n - 1n,
    finishReason: '',
    startedAt: 7n,
    endedAt: 8n,
    ...fields,
  }
  return { message, signature: `0x${seq.toString(16)}${cumulative.toString(16)}` }
}

test('what was written stands after the file is opened again, to the last of 128 bits', () => {
  const first = createLedger(path, { clock })
  first.authorize(key, voucher(huge))
  first.charge(key, receipt(1n, huge - 1n), 'key:a')
  first.settled(key, 12n)
  const before = first.channel(key)
  first.close()
  const second = createLedger(path, { clock })
  expect(second.channel(key)).toEqual(before)
  expect(before).toEqual({
    key,
    authorized: huge,
    voucher: voucher(huge),
    charged: huge - 1n,
    seq: 1n,
    receipt: receipt(1n, huge - 1n),
    claimed: 12n,
  })
  second.close()
})

test('a counter nobody wrote to is unknown, and addresses are the same in any case', () => {
  const ledger = createLedger(path, { clock })
  expect(ledger.channel(key)).toBeUndefined()
  ledger.authorize({ ...key, payer: `0x${'A'.repeat(40)}` }, voucher(5n))
  expect(ledger.channel(key)?.authorized).toBe(5n)
  expect(ledger.channels('user')).toHaveLength(1)
  expect(ledger.channels('provider')).toHaveLength(0)
  ledger.close()
})

test('a lower voucher is refused, the same one again changes nothing, another over the same total is refused', () => {
  const ledger = createLedger(path, { clock })
  ledger.authorize(key, voucher(10n))
  ledger.authorize(key, voucher(10n))
  expect(() => ledger.authorize(key, voucher(9n))).toThrow(expect.objectContaining({ code: 'ledger_conflict' }))
  expect(() => ledger.authorize(key, voucher(10n, '0xff'))).toThrow(
    expect.objectContaining({ code: 'ledger_conflict' }),
  )
  expect(ledger.channel(key)?.authorized).toBe(10n)
  ledger.close()
})

test('a receipt that goes back is refused', () => {
  const ledger = createLedger(path, { clock })
  const provider: ChannelKey = { ...key, side: 'provider' }
  ledger.charge(provider, receipt(1n, 10n), 'peer:a')
  ledger.charge(provider, receipt(1n, 10n), 'peer:a')
  ledger.charge(provider, receipt(2n, 20n), 'peer:a')
  for (const wrong of [receipt(3n, 19n), receipt(1n, 11n), receipt(2n, 21n)]) {
    expect(() => ledger.charge(provider, wrong, 'peer:a')).toThrow(expect.objectContaining({ code: 'ledger_conflict' }))
  }
  expect(ledger.channel(provider)?.charged).toBe(20n)
  ledger.close()
})

test("on the user's side a receipt of a parallel call that arrives late is kept beside the newest", () => {
  const ledger = createLedger(path, { clock })
  ledger.charge(key, receipt(2n, 20n, { requestId: 'b', charge: 10n }), 'key:a')
  ledger.charge(key, receipt(1n, 10n, { requestId: 'a', charge: 10n }), 'key:a')
  expect(ledger.channel(key)).toMatchObject({ charged: 20n, seq: 2n })
  expect(ledger.receipts(key, ['a', 'b', 'c']).map(signed => signed.message.seq)).toEqual([1n, 2n])
  ledger.close()
})

test('of a call the newest receipt counts, once, and sums are exact beyond 64 bits', () => {
  const ledger = createLedger(path, { clock })
  const big = 2n ** 90n
  ledger.charge(key, receipt(1n, big), 'key:a')
  ledger.charge(key, receipt(2n, 2n * big, { charge: 2n * big, finishReason: 'stop' }), 'key:a')
  ledger.charge(key, receipt(3n, 3n * big, { requestId: 'call-2', charge: big }), 'key:b')
  expect(ledger.spentSince('user', 0)).toBe(3n * big)
  expect(ledger.spentSince('user', 0, 'key:a')).toBe(2n * big)
  expect(ledger.spentSince('user', 0, 'key:none')).toBe(0n)
  expect(ledger.spentSince('user', 1_001)).toBe(0n)
  expect(ledger.spentSince('provider', 0)).toBe(0n)
  expect(ledger.receipts(key, ['call-1'])).toEqual([receipt(2n, 2n * big, { charge: 2n * big, finishReason: 'stop' })])
  ledger.close()
})

test('another session begins its receipts at 1 again and its totals go on', () => {
  const ledger = createLedger(path, { clock })
  const later = { session: `0x${'2'.repeat(64)}`, requestId: 'call-2', charge: 1n } as const
  ledger.charge(key, receipt(9n, 10n), 'key:a')
  ledger.charge(key, receipt(1n, 11n, later), 'key:a')
  expect(ledger.channel(key)).toMatchObject({ charged: 11n, seq: 1n })
  expect(() => ledger.charge(key, receipt(2n, 10n, later), 'key:a')).toThrow(
    expect.objectContaining({ code: 'ledger_conflict' }),
  )
  ledger.close()
})

test('what the chain paid never falls', () => {
  const ledger = createLedger(path, { clock })
  ledger.settled(key, 5n)
  ledger.settled(key, 5n)
  expect(() => ledger.settled(key, 4n)).toThrow(expect.objectContaining({ code: 'ledger_conflict' }))
  ledger.close()
})

test('only the owner may read the files', () => {
  const ledger = createLedger(path, { clock })
  ledger.authorize(key, voucher(1n))
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o077).toBe(0)
  ledger.close()
})

test('a counter may start above zero, once, and goes on from there', () => {
  const ledger = createLedger(path, { clock })
  expect(() => ledger.open(key, { claimed: 5n, charged: 6n })).toThrow(
    expect.objectContaining({ code: 'ledger_conflict' }),
  )
  ledger.open(key, { claimed: huge - 2n, charged: 40n })
  ledger.open(key, { claimed: 1n, charged: 1n })
  const start = { key, authorized: huge - 2n, voucher: undefined, charged: 40n, seq: 0n, receipt: undefined }
  expect(ledger.channel(key)).toEqual({ ...start, claimed: huge - 2n })
  expect(() => ledger.authorize(key, voucher(huge - 2n))).toThrow(expect.objectContaining({ code: 'ledger_conflict' }))
  expect(() => ledger.charge(key, receipt(1n, 39n), 'key:a')).toThrow(
    expect.objectContaining({ code: 'ledger_conflict' }),
  )
  ledger.authorize(key, voucher(huge))
  ledger.charge(key, receipt(1n, 41n), 'key:a')
  expect(ledger.channel(key)).toMatchObject({ authorized: huge, charged: 41n, claimed: huge - 2n })
  ledger.close()
})

test('a second process reads while the node writes, and cannot write itself', () => {
  const writer = createLedger(path, { clock })
  writer.authorize(key, voucher(3n))
  const reader = createLedger(path, { clock, readOnly: true })
  writer.authorize(key, voucher(4n))
  expect(reader.channel(key)?.authorized).toBe(4n)
  expect(() => reader.authorize(key, voucher(5n))).toThrow()
  reader.close()
  writer.close()
})

test('a damaged file and one of a newer version are refused', () => {
  const ledger = createLedger(path, { clock })
  ledger.close()
  const newer = new DatabaseSync(path)
  newer.exec('pragma user_version = 99')
  newer.close()
  expect(() => createLedger(path, { clock })).toThrow(expect.objectContaining({ code: 'conflict' }))
  writeFileSync(path, 'this is no database, whatever its name may say, and it is long enough to be looked at')
  expect(() => createLedger(path, { clock })).toThrow(expect.objectContaining({ code: 'ledger_conflict' }))
})

test('a process killed right after a write has lost nothing it acknowledged', () => {
  const script = `
    import { createLedger } from ${JSON.stringify(new URL('../../src/store/index.ts', import.meta.url).href)}
    const key = ${JSON.stringify(key, (_, value) => (typeof value === 'bigint' ? Number(value) : value))}
    const ledger = createLedger(${JSON.stringify(path)}, { clock: { now: () => 0, monotonic: () => 0 } })
    const { payer, provider, chainId, escrow } = key
    for (let i = 1n; ; i++) {
      const message = { payer, provider, epoch: 1n, cumulative: i }
      ledger.authorize({ ...key, chainId: 31337n, epoch: 1n }, { domain: { chainId, escrow }, message, signature: '0x1' })
      if (i === 50n) process.kill(process.pid, 'SIGKILL')
    }`
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })).toThrow()
  const ledger = createLedger(path, { clock })
  expect(ledger.channel(key)?.authorized).toBe(50n)
  ledger.close()
})
