import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEscrowPayer, createRegistryMember, createSender, createSigner } from '../../src/chain/index.ts'
import { resolvePaths } from '../../src/config/index.ts'
import { type Debt, dueOf } from '../../src/node/claims.ts'
import { createScripted } from '../scripted.ts'
import { makeKey } from './keys.ts'
import { channelOf, type Market, offered, openMarket, providerAccount, until, userAccount } from './market.ts'
import { bound, chainOf } from './stage.ts'

const model = 'slow-150'
const messages = [{ role: 'user' as const, content: 'hello' }]
const scripted = createScripted('scripted', [model])

describe('a provider with its payer', () => {
  let market: Market

  beforeAll(async () => {
    // So much is never owed here: whatever is claimed has another reason.
    const claim = { everySeconds: 1, minimum: '1000000' }
    market = await openMarket({ backend: scripted, provider: { provider: { claim } } })
    await offered(market.user.node, model)
  })
  afterAll(() => market?.stop())

  const senderOf = (account: number) =>
    createSender(chainOf(market.dev), createSigner(market.dev.accounts[account]!.privateKey))
  const claims = () => market.provider.node.log.recent().filter(({ type }) => type === 'claim.sent')

  test('a key with a cap per day spends no more than that', async () => {
    const { storeFile } = resolvePaths({ PARLEY_HOME: market.user.home })
    const secret = await makeKey(storeFile, { name: 'lent', maxPerDay: 1n })
    const ai = new OpenAI({ baseURL: market.user.node.url, apiKey: secret, maxRetries: 0 })
    let code: unknown
    await until(
      () => {
        void ai.chat.completions.create({ model, messages }).catch(cause => {
          code = (cause as { code?: unknown }).code
        })
        return code !== undefined && code !== 'invalid_api_key' && code !== 'unauthorized'
      },
      'the key is known',
      20_000,
      300,
    )
    expect(code).toBe('spending_cap')
  })

  test('an answer that runs when its provider leaves comes to its end, and is paid', async () => {
    const answer = market.ai.chat.completions.stream({ model, messages })
    const words = answer.finalContent()
    await until(() => scripted.script.open === 1, 'it runs')
    await createRegistryMember(senderOf(providerAccount)).requestExit(bound())
    await until(() => market.user.node.status().providers.length === 0, 'the provider is gone')
    expect(await words).toBe(Array.from({ length: 150 }, (_, i) => `w${i} `).join(''))
    const [paid, earned] = [
      () => channelOf(market.user.home, 'user')!.charged,
      () => channelOf(market.provider.home, 'provider')!.charged,
    ]
    await until(() => paid() > 0n && paid() === earned(), 'both books agree')
  })

  test('a payer that asks to leave is claimed from before its money is gone, whatever the minimum', async () => {
    expect(claims()).toEqual([])
    await createEscrowPayer(senderOf(userAccount)).requestExit(bound())
    await until(() => claims().length > 0, 'it is claimed')
    const book = () => channelOf(market.provider.home, 'provider')!
    await until(() => book().claimed === book().authorized && book().claimed > 0n, 'all is claimed')
  })
})

describe('whom to claim from', () => {
  const debt = (owed: bigint, free: bigint, more: Partial<Debt['position']> = {}) =>
    ({
      channel: { authorized: 1_000n + owed },
      position: { claimed: 1_000n, free, reserved: 0n, exitReadyAt: undefined, ...more },
    }) as Debt
  const softCredit = 1_000n

  test('the minimum is of all together', () => {
    const debts = [debt(40n, 900n), debt(40n, 900n), debt(40n, 900n)]
    expect(dueOf(debts, { minimum: 100n, softCredit })).toEqual(debts)
    expect(dueOf(debts, { minimum: 121n, softCredit })).toEqual([])
    expect(dueOf(debts, { minimum: undefined, softCredit })).toEqual([])
  })

  test('who leaves or runs low goes at once, and alone', () => {
    const [leaving, low, safe] = [debt(1n, 900n, { exitReadyAt: 7n }), debt(40n, 79n), debt(40n, 80n)]
    expect(dueOf([leaving, low, safe], { minimum: undefined, softCredit })).toEqual([leaving, low])
  })

  test('who has used half of what is trusted goes at once: the rest must not be refused', () => {
    const debts = [debt(501n, 9_000n), debt(501n, 9_000n, { reserved: 500n })]
    expect(dueOf(debts, { minimum: undefined, softCredit })).toEqual([debts[0]])
  })

  test('what cannot be collected counts for nothing', () => {
    expect(dueOf([debt(500n, 0n), debt(500n, 30n)], { minimum: 100n, softCredit })).toEqual([debt(500n, 30n)])
    expect(dueOf([debt(500n, 0n)], { minimum: 100n, softCredit })).toEqual([])
  })
})
