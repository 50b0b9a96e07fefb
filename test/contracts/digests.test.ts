import fc from 'fast-check'
import { type Address, encodeAbiParameters, getAddress, type Hex, hashTypedData, keccak256 } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { beforeAll, expect, test } from 'vitest'
import { CHAIN_ID, escrowDomain, reservationTypes, row, stage, UNIT, voucherTypes } from './stage.ts'

const RUNS = 50
const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map(bytes => getAddress(`0x${Buffer.from(bytes).toString('hex')}`))
const total = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
const epoch = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const releases = fc.integer({ min: 0, max: 2 ** 32 - 1 })

let world: Awaited<ReturnType<typeof stage>>
beforeAll(async () => {
  world = await stage()
}, 120_000)

test('a voucher has the same digest in viem and in Solidity', async () => {
  const { client, escrow, escrowCall } = world
  await fc.assert(
    fc.asyncProperty(address, address, epoch, total, async (payer, provider, epoch, cumulative) => {
      const onChain = await client.readContract({
        ...escrowCall,
        functionName: 'voucherDigest',
        args: [payer, provider, epoch, cumulative],
      })
      const offChain = hashTypedData({
        domain: escrowDomain(escrow),
        types: voucherTypes,
        primaryType: 'Voucher',
        message: { payer, provider, epoch, cumulative },
      })
      expect(onChain).toBe(offChain)
    }),
    { numRuns: RUNS },
  )
})

test('a reservation has the same digest in viem and in Solidity', async () => {
  const { client, escrow, escrowCall } = world
  await fc.assert(
    fc.asyncProperty(address, address, epoch, releases, total, async (payer, provider, epoch, releases, cumulative) => {
      const onChain = await client.readContract({
        ...escrowCall,
        functionName: 'reservationDigest',
        args: [payer, provider, epoch, releases, cumulative],
      })
      const offChain = hashTypedData({
        domain: escrowDomain(escrow),
        types: reservationTypes,
        primaryType: 'Reservation',
        message: { payer, provider, epoch, releases, cumulative },
      })
      expect(onChain).toBe(offChain)
    }),
    { numRuns: RUNS },
  )
})

test('the domain separator is that of the standard', async () => {
  const { client, escrow, escrowCall } = world
  const fields = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
  const expected = keccak256(
    encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }, { type: 'uint256' }, { type: 'address' }],
      [text(fields), text('Parley'), text('1'), BigInt(CHAIN_ID), escrow],
    ),
  )
  expect(await client.readContract({ ...escrowCall, functionName: 'DOMAIN_SEPARATOR' })).toBe(expected)
})

test('the nonce of a relayed deposit can be computed without asking the chain', async () => {
  const { client, escrowCall } = world
  const [payer, signer, salt]: [Address, Address, Hex] = [escrowCall.address, world.token, text('salt')]
  const hash = keccak256(
    encodeAbiParameters([{ type: 'address' }, { type: 'address' }, { type: 'bytes32' }], [payer, signer, salt]),
  )
  const onChain = await client.readContract({
    ...escrowCall,
    functionName: 'authorizationNonce',
    args: [payer, signer, salt],
  })
  expect(onChain).toBe(`${hash.slice(0, 50)}${'0'.repeat(16)}`)
})

test('a voucher signed by viem is paid on chain', { timeout: 60_000 }, async () => {
  const { client, send, person, escrow, escrowCall, tokenCall } = world
  const session = privateKeyToAccount(generatePrivateKey())
  const [payer, provider] = [await person(), await person()]
  await send(
    client.writeContract({
      ...escrowCall,
      account: payer,
      functionName: 'deposit',
      args: [100n * UNIT, session.address],
    }),
  )
  const rows = [await row(session, { escrow, payer: payer.address, provider: provider.address, cumulative: 7n * UNIT })]
  const balance = () => client.readContract({ ...tokenCall, functionName: 'balanceOf', args: [provider.address] })
  const before = await balance()
  await send(client.writeContract({ ...escrowCall, functionName: 'claim', args: [provider.address, rows] }))
  expect((await balance()) - before).toBe(7n * UNIT)
})

const text = (words: string): Hex => keccak256(new TextEncoder().encode(words))
