import { describe, expect, test } from 'vitest'
import { startPeople } from './stage.ts'

const asker = { address: '192.0.2.1', userAgent: 'test' }
const account = { email: 'Ada@Example.com', name: ' Ada ', password: 'correct horse battery' }

describe('the first run', () => {
  test('whoever has the link becomes the admin, once', async () => {
    const { firstRun, accounts } = await startPeople()
    const token = (await firstRun.token())!
    await expect(firstRun.claim('x', account)).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(firstRun.claim(token, { ...account, password: 'short' })).rejects.toMatchObject({ param: 'password' })
    await expect(firstRun.claim(token, { ...account, email: 'ada' })).rejects.toMatchObject({ param: 'email' })
    const tries = await Promise.allSettled(
      Array.from({ length: 5 }, (_, index) => firstRun.claim(token, { ...account, email: `a${index}@example.com` })),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(firstRun.claim(token, account)).rejects.toMatchObject({ code: 'conflict' })
    expect(await firstRun.token()).toBeUndefined()
    const admin = tries.find(one => one.status === 'fulfilled')!.value
    expect(admin).toMatchObject({ role: 'admin', name: 'Ada', status: 'active' })
    await accounts.logIn({ email: admin.email, password: account.password }, asker)
  })

  test('the link is good for an hour, and there is no account to guess before', async () => {
    const { firstRun, clock, accounts } = await startPeople()
    const token = (await firstRun.token())!
    for (const password of ['admin', '123456', 'password', 'root']) {
      const login = accounts.logIn({ email: 'admin@example.com', password }, { ...asker, address: password })
      await expect(login).rejects.toMatchObject({ code: 'unauthorized' })
    }
    clock.move(3_606_000)
    await expect(firstRun.claim(token, account)).rejects.toMatchObject({ code: 'unauthorized' })
  })
})

describe('invitations', () => {
  const guest = { email: 'Eve@Example.com', name: 'Eve', role: 'operator' as const }

  test('the invited one chooses a password, once', async () => {
    const { invitations, accounts } = await startPeople()
    const { token, user } = await invitations.invite(guest)
    expect(user).toMatchObject({ email: 'eve@example.com', role: 'operator', status: 'invited', passwordHash: null })
    await expect(invitations.invite(guest)).rejects.toMatchObject({ code: 'conflict' })
    await invitations.accept(token, account.password)
    await expect(invitations.accept(token, 'somebody else’s')).rejects.toMatchObject({ code: 'conflict' })
    await expect(invitations.renew(user.id)).rejects.toMatchObject({ code: 'conflict' })
    await accounts.logIn({ email: guest.email, password: account.password }, asker)
  })

  test('one that was taken back or is too old is worth nothing; a new one is', async () => {
    const { invitations, store, clock } = await startPeople()
    const { token, user } = await invitations.invite(guest)
    clock.move(8 * 86_400_000)
    await expect(invitations.accept(token, account.password)).rejects.toMatchObject({ code: 'unauthorized' })
    const again = await invitations.renew(user.id)
    await store.users.remove(user.id)
    await expect(invitations.accept(again.token, account.password)).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('signing up', () => {
  const budget = { amount: 5_000_000n, window: 'month' as const }
  const email = 'ada@example.com'
  const { password } = account

  test('after the code from the mail there is an account with a key, a budget and a price', async () => {
    const { signUp, mail, store, node, accounts } = await startPeople({
      signUp: { budget, key: { rpm: 20, project: 'hosted' } },
    })
    expect(await signUp.signUp(account, asker)).toBeUndefined()
    await expect(accounts.logIn({ email, password }, asker)).rejects.toMatchObject({ code: 'unauthorized' })
    const { user, secret } = await signUp.confirm({ email, password, code: mail.newestCode() }, asker)
    expect(user).toMatchObject({ email, name: 'Ada', role: 'user', status: 'active', priceMultiplier: 1_200 })
    expect((await node.ring.verify(secret))?.key).toMatchObject({ userId: user.id, rpm: 20, project: 'hosted' })
    const { rows } = await store.budgets.list({ scope: 'user', scopeId: user.id }, { page: 1, limit: 10 })
    expect(rows).toMatchObject([{ ...budget, isHard: true }])
    await accounts.logIn({ email, password }, asker)
  })

  test('an address that has an account gets the same answer and nothing is changed', async () => {
    const { signUp, mail, store, makeUser, invitations } = await startPeople()
    const known = await makeUser(email)
    const { user: guest } = await invitations.invite({ email: 'eve@example.com', name: 'Eve', role: 'admin' })
    for (const each of [email, 'eve@example.com']) {
      expect(await signUp.signUp({ ...account, email: each, password: 'an attacker’s one' }, asker)).toBeUndefined()
    }
    expect(mail.mails).toHaveLength(0)
    expect(await store.users.get(known.id)).toEqual(known)
    expect(await store.users.get(guest.id)).toEqual(guest)
  })

  test('whoever signs up somebody else’s address first has nothing of it', async () => {
    const { signUp, mail, accounts } = await startPeople()
    await signUp.signUp({ ...account, password: 'an attacker’s one' }, asker)
    await signUp.signUp(account, asker)
    const code = mail.newestCode()
    await signUp.signUp({ ...account, password: 'an attacker’s one' }, asker)
    await expect(signUp.confirm({ email, password, code }, asker)).rejects.toMatchObject({ code: 'unauthorized' })
    const late = mail.newestCode()
    await expect(signUp.confirm({ email, password, code: late }, asker)).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(accounts.logIn({ email, password: 'an attacker’s one' }, asker)).rejects.toMatchObject({
      code: 'unauthorized',
    })
  })

  test('without mail the account is there at once', async () => {
    const { signUp, accounts } = await startPeople({ hasMail: false })
    expect((await signUp.signUp(account, asker))?.user.status).toBe('active')
    await expect(signUp.signUp(account, asker)).rejects.toMatchObject({ code: 'conflict' })
    await accounts.logIn({ email, password }, asker)
  })

  test('where it is closed, for other domains, or too often, one cannot', async () => {
    const closed = await startPeople({ signUp: { isOpen: false } })
    await expect(closed.signUp.signUp(account, asker)).rejects.toMatchObject({ code: 'forbidden' })
    const ours = await startPeople({ signUp: { domains: ['ours.example'] } })
    await expect(ours.signUp.signUp(account, asker)).rejects.toMatchObject({ code: 'forbidden' })
    const sub = { ...account, email: 'a@evil-ours.example' }
    await expect(ours.signUp.signUp(sub, asker)).rejects.toMatchObject({ code: 'forbidden' })
    for (let index = 0; index < 5; index++) {
      await ours.signUp.signUp({ ...account, email: `u${index}@ours.example` }, asker)
    }
    const sixth = ours.signUp.signUp({ ...account, email: 'u6@ours.example' }, asker)
    await expect(sixth).rejects.toMatchObject({ code: 'rate_limited' })
  })

  test('who does not confirm is forgotten after a day, and no one else is', async () => {
    const { signUp, store, clock, invitations } = await startPeople()
    await signUp.signUp(account, asker)
    await invitations.invite({ email: 'eve@example.com', name: 'Eve', role: 'user' })
    expect(await signUp.sweep()).toBe(0)
    clock.move(86_400_001)
    expect(await signUp.sweep()).toBe(1)
    expect(await store.users.find(email)).toBeUndefined()
    expect(await store.users.find('eve@example.com')).toBeDefined()
  })

  test('odd addresses and names are refused', async () => {
    const { signUp } = await startPeople()
    for (const odd of [
      '',
      'x',
      '@x.com',
      'a@',
      'a b@x.com',
      'a@x.com\nbcc: y@z.com',
      'a@x..',
      `${'a'.repeat(250)}@x.com`,
      'a@b@c',
    ]) {
      await expect(signUp.signUp({ ...account, email: odd }, asker), odd).rejects.toMatchObject({ param: 'email' })
    }
    for (const odd of ['', ' ', 'a\u0000b', 'a\nb', 'x'.repeat(101)]) {
      await expect(signUp.signUp({ ...account, name: odd }, asker), odd).rejects.toMatchObject({ param: 'name' })
    }
  })
})
