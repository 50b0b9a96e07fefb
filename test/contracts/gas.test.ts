import { readFile } from 'node:fs/promises'
import { type Address, parseSignature, zeroHash } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import {
  authorizationTypes,
  compact,
  escrowDomain,
  MAX,
  permitTypes,
  reservationTypes,
  row,
  stage,
  tokenDomain,
  UNIT,
} from './stage.ts'

const BATCH = 50
const key = () => privateKeyToAccount(generatePrivateKey())
const model = (index: number) => `0x${index.toString(16).padStart(64, '0')}` as const
const offers = (count: number, price: bigint) =>
  Array.from({ length: count }, (_, index) => ({
    modelId: model(index + 1),
    priceIn: price,
    priceOut: price * 3n,
    context: 131072,
    capabilities: 0b1000011,
    expiry: 4_000_000_000,
  }))

test('no scenario costs over two per cent more gas than docs/contracts.md says', { timeout: 300_000 }, async () => {
  const measured = await measure()
  const doc = await readFile(new URL('../../docs/contracts.md', import.meta.url), 'utf8')
  const documented = new Map(
    [...doc.matchAll(/^\| (.+?) \| ([\d,]+) \|/gm)].map(found => [found[1]!, BigInt(found[2]!.replaceAll(',', ''))]),
  )
  const table = [...measured].map(([name, gas]) => `| ${name} | ${gas.toLocaleString('en-US')} |`).join('\n')
  const exceeded = [...measured].filter(([name, gas]) => gas * 100n > (documented.get(name) ?? 0n) * 102n)
  expect(exceeded, `measured now:\n${table}\n`).toEqual([])
})

async function measure(): Promise<Map<string, bigint>> {
  const gas = new Map<string, bigint>()
  const world = await stage()
  const { client, send, person, token, escrow, registryCall, escrowCall, tokenCall } = world
  const used = async (sent: Promise<`0x${string}`>) => (await send(sent)).gasUsed
  const note = (name: string, spent: bigint) => void gas.set(name, spent)

  // Somebody was there before: no scenario pays for the first balance of the escrow or the registry.
  const early = await person()
  const register = (account: PrivateKeyAccount, payout: Address) =>
    client.writeContract({
      ...registryCall,
      account,
      functionName: 'register',
      args: ['/ip4/203.0.113.7/tcp/4001', model(7), key().address, payout, 100n * UNIT],
    })
  const deposit = (account: PrivateKeyAccount, signer: Address) =>
    client.writeContract({ ...escrowCall, account, functionName: 'deposit', args: [100n * UNIT, signer] })
  await send(register(early, early.address))
  await send(deposit(early, key().address))

  const provider = await person()
  note('register, paid to itself', await used(register(provider, provider.address)))
  const setOffers = (list: ReturnType<typeof offers>) =>
    client.writeContract({ ...registryCall, account: provider, functionName: 'setOffers', args: [list] })
  note('first offer', await used(setOffers(offers(1, 100n))))
  note('ten offers, each', (await used(setOffers(offers(11, 100n)))) / 10n)
  note('reprice in a batch of 10, each', (await used(setOffers(offers(10, 200n)))) / 10n)

  const frugal = await person({ approves: false })
  const signature = await frugal.signTypedData({
    domain: tokenDomain(token),
    types: permitTypes,
    primaryType: 'Permit',
    message: { owner: frugal.address, spender: escrow, value: 100n * UNIT, nonce: 0n, deadline: MAX },
  })
  const permit = parseSignature(signature)
  note(
    'first deposit, with permit',
    await used(
      client.writeContract({
        ...escrowCall,
        account: frugal,
        functionName: 'depositWithPermit',
        args: [100n * UNIT, key().address, MAX, Number(permit.v), permit.r, permit.s],
      }),
    ),
  )

  const gasless = await person({ approves: false })
  const session = key().address
  const nonce = await client.readContract({
    ...escrowCall,
    functionName: 'authorizationNonce',
    args: [gasless.address, session, zeroHash],
  })
  const authorization = parseSignature(
    await gasless.signTypedData({
      domain: tokenDomain(token),
      types: authorizationTypes,
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: gasless.address,
        to: escrow,
        value: 100n * UNIT,
        validAfter: 0n,
        validBefore: MAX,
        nonce,
      },
    }),
  )
  note(
    'first deposit, relayed',
    await used(
      client.writeContract({
        ...escrowCall,
        account: early,
        functionName: 'depositWithAuthorization',
        args: [
          gasless.address,
          100n * UNIT,
          session,
          0n,
          MAX,
          zeroHash,
          Number(authorization.v),
          authorization.r,
          authorization.s,
        ],
      }),
    ),
  )

  const user = await person()
  const userKey = key()
  note('first deposit, approved', await used(deposit(user, userKey.address)))
  note('top-up', await used(deposit(user, userKey.address)))
  const spread = await person()
  const three = [early, provider, user].map(({ address }) => ({ provider: address, cumulative: 10n * UNIT }))
  note(
    'deposit and reserve for three providers',
    await used(
      client.writeContract({
        ...escrowCall,
        account: spread,
        functionName: 'depositAndReserve',
        args: [100n * UNIT, key().address, three],
      }),
    ),
  )

  const reserve = async (payer: PrivateKeyAccount, signer: PrivateKeyAccount, cumulative: bigint) => {
    const signed = await signer.signTypedData({
      domain: escrowDomain(escrow),
      types: reservationTypes,
      primaryType: 'Reservation',
      message: { payer: payer.address, provider: provider.address, epoch: 0n, releases: 0, cumulative },
    })
    const { r, vs } = compact(signed)
    return client.writeContract({
      ...escrowCall,
      account: provider,
      functionName: 'reserve',
      args: [payer.address, cumulative, r, vs],
    })
  }
  note('reserve', await used(reserve(user, userKey, 20n * UNIT)))
  note('reserve more', await used(reserve(user, userKey, 40n * UNIT)))

  const claim = async (payers: { payer: PrivateKeyAccount; signer: PrivateKeyAccount }[], cumulative: bigint) => {
    const rows = await Promise.all(
      payers.map(({ payer, signer }) =>
        row(signer, { escrow, payer: payer.address, provider: provider.address, cumulative }),
      ),
    )
    return used(
      client.writeContract({
        ...escrowCall,
        account: provider,
        functionName: 'claim',
        args: [provider.address, rows],
      }),
    )
  }
  const alone = [{ payer: user, signer: userKey }]
  note('claim of one, reserved', await claim(alone, 10n * UNIT))
  await claim(alone, 50n * UNIT)
  note('claim of one, free', await claim(alone, 60n * UNIT))

  const crowd: { payer: PrivateKeyAccount; signer: PrivateKeyAccount }[] = []
  for (let index = 0; index < BATCH; index++) {
    const member = { payer: await person(), signer: key() }
    await send(deposit(member.payer, member.signer.address))
    crowd.push(member)
  }
  const each = async (cumulative: bigint) => (await claim(crowd, cumulative)) / BigInt(BATCH)
  note('claim in a batch of 50, first ever, each', await each(1n * UNIT))
  note('claim in a batch of 50, free, each', await each(2n * UNIT))
  for (const { payer, signer } of crowd) await send(reserve(payer, signer, 50n * UNIT))
  note('claim in a batch of 50, reserved, each', await each(3n * UNIT))

  const release = client.writeContract({
    ...escrowCall,
    account: provider,
    functionName: 'release',
    args: [crowd[1]!.payer.address],
  })
  note('release', await used(release))
  const leaver = crowd[0]!.payer
  const exit = await used(client.writeContract({ ...escrowCall, account: leaver, functionName: 'requestExit' }))
  note('request exit', exit)
  await client.increaseTime({ seconds: 3601 })
  const withdraw = await used(
    client.writeContract({
      ...escrowCall,
      account: leaver,
      functionName: 'withdraw',
      args: [[provider.address]],
    }),
  )
  note('withdraw, one reservation', withdraw)
  note(
    'token transfer, for comparison',
    await used(
      client.writeContract({ ...tokenCall, account: early, functionName: 'transfer', args: [provider.address, 1n] }),
    ),
  )
  return gas
}
