import { Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { createPasswords, createThrottle } from '../../src/auth/index.ts'
import type { UserRow } from '../../src/core/index.ts'
import { systemRandom } from '../../src/core/index.ts'
import { createMemoryShared } from '../../src/store/index.ts'
import { type HeldClock, heldClock, startPeople } from './stage.ts'

const email = 'ada@example.com'
const password = 'correct horse battery'
const asker = { address: '192.0.2.1', userAgent: 'test' }
const wrong = { code: 'unauthorized' }
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (cause: unknown) => cause as { message: string; details?: unknown; code: string; retryAfterSeconds?: number },
  )

describe('logging in', () => {
  test('with the right password, in whatever case the address is written', async () => {
    const { accounts, sessions, makeUser, store, clock } = await startPeople()
    const { id } = await makeUser()
    const { accessToken } = await accounts.logIn({ email: 'ADA@example.com', password }, asker)
    expect((await sessions.check(accessToken)).user?.id).toBe(id)
    expect((await store.users.get(id))?.lastLoginAt).toBe(clock.now())
  })

  test('a wrong password, an unknown address, a disabled and an invited account get one answer', async () => {
    const { accounts, makeUser, store, invitations } = await startPeople()
    await makeUser()
    const disabled = await makeUser('off@example.com')
    await store.users.update(disabled.id, { status: 'disabled' })
    await invitations.invite({ email: 'new@example.com', name: 'New', role: 'viewer' })
    const tries = [
      { email, password: 'wrong password' },
      { email: 'nobody@example.com', password },
      { email: 'off@example.com', password },
      { email: 'new@example.com', password },
      { email: 'no address', password },
    ]
    const answers = await Promise.all(tries.map(each => failure(accounts.logIn(each, asker))))
    expect(new Set(answers.map(answer => `${answer?.code} ${answer?.message} ${answer?.details}`)).size).toBe(1)
    expect(answers[0]).toMatchObject(wrong)
  })

  test('a hash that was made with less is made anew', async () => {
    const { accounts, makeUser, store } = await startPeople()
    const { id } = await makeUser()
    const old = await createPasswords({ random: systemRandom, logN: 10 }).hash(password)
    await store.users.update(id, { passwordHash: old })
    await accounts.logIn({ email, password }, asker)
    expect((await store.users.get(id))?.passwordHash).toMatch(/^scrypt\$11\$/)
    await accounts.logIn({ email, password }, asker)
  })

  test('a changed password ends all sessions but the new one', async () => {
    const { accounts, sessions, makeUser } = await startPeople()
    await makeUser()
    const first = await accounts.logIn({ email, password }, asker)
    const change = { current: password, next: 'another long one' }
    await expect(accounts.changePassword(first.user, { ...change, current: 'x' }, asker)).rejects.toMatchObject(wrong)
    await expect(accounts.changePassword(first.user, { ...change, next: 'short' }, asker)).rejects.toMatchObject({
      code: 'invalid_request',
    })
    const next = await accounts.changePassword(first.user, change, asker)
    await expect(sessions.check(first.accessToken)).rejects.toMatchObject(wrong)
    await sessions.check(next.accessToken)
    await accounts.logIn({ email, password: change.next }, asker)
  })

  test('a forgotten password is replaced with a code by mail, once', async () => {
    const { accounts, sessions, makeUser, mail } = await startPeople()
    await makeUser()
    const before = await accounts.logIn({ email, password }, asker)
    await accounts.forgotPassword('nobody@example.com', asker)
    expect(mail.mails).toHaveLength(0)
    await accounts.forgotPassword(email, asker)
    const code = mail.newestCode()
    const reset = { email, code, password: 'another long one' }
    await expect(accounts.resetPassword({ ...reset, email: 'nobody@example.com' }, asker)).rejects.toMatchObject(wrong)
    await accounts.resetPassword(reset, asker)
    await expect(accounts.resetPassword(reset, asker)).rejects.toMatchObject(wrong)
    await expect(sessions.check(before.accessToken)).rejects.toMatchObject(wrong)
    await accounts.logIn({ email, password: reset.password }, asker)
  })

  test('without mail a forgotten password says what to do', async () => {
    const { accounts } = await startPeople({ hasMail: false })
    await expect(accounts.forgotPassword(email, asker)).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('the throttle', () => {
  test('ten failures for an account, then one waits, longer and longer, also for one that does not exist', async () => {
    for (const account of [email, 'nobody@example.com']) {
      const { accounts, makeUser, clock } = await startPeople()
      await makeUser()
      let addresses = 0
      const attempt = () =>
        failure(
          accounts.logIn(
            { email: account, password: 'wrong password' },
            { ...asker, address: `192.0.2.${addresses++}` },
          ),
        )
      for (let index = 0; index < 10; index++) expect(await attempt()).toMatchObject(wrong)
      const waits: number[] = []
      for (let index = 0; index < 20; index++) {
        const answer = await attempt()
        if (answer?.code !== 'rate_limited') continue
        waits.push(answer.retryAfterSeconds!)
        clock.move(answer.retryAfterSeconds! * 1_000)
      }
      expect(waits[0]).toBeLessThanOrEqual(62)
      expect(waits[1]).toBeGreaterThan(400)
      expect(waits[2]).toBeGreaterThan(1_800)
    }
  })

  test('the right password is not let in meanwhile, and counts as no failure otherwise', async () => {
    const { accounts, makeUser, clock } = await startPeople()
    await makeUser()
    for (let index = 0; index < 30; index++) await accounts.logIn({ email, password }, asker)
    for (let index = 0; index < 10; index++) await failure(accounts.logIn({ email, password: 'wrong password' }, asker))
    await expect(accounts.logIn({ email, password }, asker)).rejects.toMatchObject({ code: 'rate_limited' })
    clock.move(62_000)
    await accounts.logIn({ email, password }, asker)
  })

  test('ten failures from one address, whatever the accounts; many at once are as few', async () => {
    const { accounts } = await startPeople()
    const tries = Array.from({ length: 50 }, (_, index) =>
      failure(accounts.logIn({ email: `u${index}@example.com`, password: 'wrong password' }, asker)),
    )
    const codes = (await Promise.all(tries)).map(answer => answer?.code)
    expect(codes.filter(code => code === 'unauthorized')).toHaveLength(10)
    expect(codes.filter(code => code === 'rate_limited')).toHaveLength(40)
  })

  test('a whole IPv6 network is one address, however it is written', async () => {
    const clock = heldClock()
    const throttle = createThrottle(createMemoryShared({ clock }).counters)
    const addresses = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', '2001:db8:1:2:a:b:c:d']
    for (let index = 0; index < 10; index++) await throttle.attempt(`u${index}`, addresses[index % 3]!)
    await expect(throttle.attempt('u', '2001:db8:1:2::9')).rejects.toMatchObject({ code: 'rate_limited' })
    await throttle.attempt('u', '2001:db8:1:3::1')
    for (let index = 0; index < 10; index++) await throttle.attempt(`v${index}`, '::ffff:192.0.2.1')
    await expect(throttle.attempt('v', '192.0.2.1')).rejects.toMatchObject({ code: 'rate_limited' })
  })
})

describe('one-time codes of an app', () => {
  const codeAt = (secret: string, timestamp: number) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp })

  async function enrolled() {
    const stage = await startPeople()
    const user = await stage.makeUser()
    const { secret, uri } = await stage.secondFactor.enrol(user)
    const fresh = async (): Promise<UserRow> => (await stage.store.users.get(user.id))!
    return { ...stage, user, secret, uri, fresh }
  }
  const next = (clock: HeldClock) => clock.move(30_000)

  test('are asked for once one was given', async () => {
    const { accounts, secondFactor, clock, secret, uri, fresh, store, user } = await enrolled()
    expect(uri).toMatch(/^otpauth:\/\/totp\/Parley:ada%40example\.com\?issuer=Parley&secret=/)
    await accounts.logIn({ email, password }, asker)
    await expect(secondFactor.confirm(await fresh(), '000000')).rejects.toMatchObject(wrong)
    await secondFactor.confirm(await fresh(), codeAt(secret, clock.now()))
    await expect(secondFactor.enrol(await fresh())).rejects.toMatchObject({ code: 'conflict' })
    expect(await failure(accounts.logIn({ email, password }, asker))).toMatchObject({
      ...wrong,
      details: { needs: 'totp' },
    })
    next(clock)
    await accounts.logIn({ email, password, code: codeAt(secret, clock.now()) }, asker)
    await secondFactor.remove(await fresh())
    await accounts.logIn({ email, password }, asker)
    expect((await store.users.get(user.id))?.totpSecret).toBeNull()
  })

  test('are accepted once, from half a minute before to half a minute after', async () => {
    const { secondFactor, clock, secret, fresh } = await enrolled()
    const user = await fresh()
    clock.move(3_600_000)
    const isGood = (offsetMs: number) => secondFactor.check(user, codeAt(secret, clock.now() + offsetMs))
    expect(await Promise.all([-60_000, -30_000, 0, 30_000, 60_000].map(isGood))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
    expect(await Promise.all([-30_000, 0, 30_000].map(isGood))).toEqual([false, false, false])
    next(clock)
    next(clock)
    const code = codeAt(secret, clock.now())
    const tries = await Promise.all(Array.from({ length: 10 }, () => secondFactor.check(user, code)))
    expect(tries.filter(Boolean)).toHaveLength(1)
  })

  test('a wrong one with the right password is a failure, and nothing else is one', async () => {
    const { accounts, secondFactor, clock, secret, fresh } = await enrolled()
    await secondFactor.confirm(await fresh(), codeAt(secret, clock.now()))
    for (const code of ['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦']) {
      expect(await secondFactor.check(await fresh(), code)).toBe(false)
    }
    for (let index = 0; index < 10; index++) {
      const right = [0, 1, 2].map(step => codeAt(secret, clock.now() + (step - 1) * 30_000))
      const code = ['111111', '222222', '333333', '444444'].find(each => !right.includes(each))!
      await expect(accounts.logIn({ email, password, code }, asker)).rejects.toMatchObject(wrong)
    }
    await expect(accounts.logIn({ email, password }, asker)).rejects.toMatchObject({ code: 'rate_limited' })
  })

  test('the secret is sealed, for this user alone', async () => {
    const { secret, fresh, makeUser, secondFactor, store, clock } = await enrolled()
    const { totpSecret } = await fresh()
    expect(totpSecret).not.toContain(secret)
    const other = await store.users.update((await makeUser('eve@example.com')).id, { totpSecret })
    await expect(secondFactor.check(other, codeAt(secret, clock.now()))).rejects.toMatchObject({
      code: 'secret_unreadable',
    })
  })
})

describe('codes by mail', () => {
  test('are asked for where it is configured so', async () => {
    const { accounts, makeUser, mail } = await startPeople({ asksForMailCode: true })
    await makeUser()
    expect(await failure(accounts.logIn({ email, password }, asker))).toMatchObject({ details: { needs: 'mail_code' } })
    expect(mail.mails).toMatchObject([{ to: [email] }])
    const code = mail.newestCode()
    await accounts.logIn({ email, password, code }, asker)
    await expect(accounts.logIn({ email, password, code }, asker)).rejects.toMatchObject(wrong)
  })

  test('are good for one thing, for one address, for ten minutes and for five tries', async () => {
    const { mailCodes, mail, clock } = await startPeople()
    await mailCodes.send('login', email)
    const code = mail.newestCode()
    expect(await mailCodes.check('reset', email, code)).toBe(false)
    expect(await mailCodes.check('login', 'eve@example.com', code)).toBe(false)
    const other = code === '000000' ? '111111' : '000000'
    for (let index = 0; index < 5; index++) expect(await mailCodes.check('login', email, other)).toBe(false)
    expect(await mailCodes.check('login', email, code)).toBe(false)
    await mailCodes.send('login', email)
    const late = mail.newestCode()
    clock.move(10 * 60_000)
    expect(await mailCodes.check('login', email, late)).toBe(false)
    await mailCodes.send('login', email)
    const tries = await Promise.all(Array.from({ length: 4 }, () => mailCodes.check('login', email, mail.newestCode())))
    expect(tries.filter(Boolean)).toHaveLength(1)
  })

  test('nobody is sent more than a few in an hour', async () => {
    const { mailCodes, mail } = await startPeople()
    for (let index = 0; index < 5; index++) await mailCodes.send('login', email)
    await expect(mailCodes.send('login', email)).rejects.toMatchObject({ code: 'rate_limited' })
    expect(mail.mails).toHaveLength(5)
  })
})
