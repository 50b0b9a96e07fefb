import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startService } from './gateway.ts'
import { password, startManaged } from './managed.ts'

const run = promisify(execFile)

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

test('who changed what is on record, by whom and how it ended, and no value of it', async () => {
  const a = await startService('a', { models: ['m'] })
  const { api, join, lines } = await startManaged()
  const told = async (count: number) => {
    await expect
      .poll(async () => (await api('GET /logs?component=management&limit=200')).body.total, { timeout: 5_000 })
      .toBeGreaterThanOrEqual(count)
    const { body } = await api('GET /logs?component=management&limit=200')
    return (body.data as Line[]).map(({ fields }) => fields).reverse()
  }
  const operator = await join('operator')
  const key = 'sk-upstream-0123456789abcdef'
  const wish = { type: 'api', name: 'shelf', config: { url: a.url }, key }
  const { body: provider } = await api('POST /providers', wish, operator.token)
  await api(`PUT /providers/${provider.id}`, { key: `${key}-next` }, operator.token)
  const { body: made } = await api('POST /keys', { name: 'app' }, operator.token)
  await api('POST /users', { email: 'x@example.com', name: 'x', role: 'admin' }, operator.token)
  await api('GET /providers', undefined, operator.token)
  await api('POST /auth/login', { email: operator.email, password: 'a wrong password' }, null)
  await api('POST /auth/login', { email: 'nonsense' }, null)
  await api('DELETE /providers/0198a000-0000-7000-8000-ffffffffffff', undefined, 'no token at all')
  await api(`DELETE /providers/${provider.id}`)
  const by = { actor: `user:${operator.id}`, role: 'operator' }
  const machine = { actor: 'machine:admin', role: 'admin' }
  expect(await told(8)).toEqual([
    { ...machine, route: 'POST /api/users', target: operator.id, fields: 'email,name,role,password', status: 201 },
    { ...by, route: 'POST /api/auth/login', fields: 'email,password,cookie', status: 200 },
    {
      ...by,
      route: 'POST /api/providers',
      target: provider.id,
      fields: expect.stringMatching(/name.*key/),
      status: 201,
    },
    { ...by, route: 'PUT /api/providers/:id', target: provider.id, fields: 'key', status: 200 },
    { ...by, route: 'POST /api/keys', target: made.key.id, fields: 'name', status: 201 },
    { ...by, route: 'POST /api/users', fields: '', status: 403 },
    { actor: 'visitor', role: 'none', route: 'POST /api/auth/login', fields: 'email,password,cookie', status: 401 },
    { ...machine, route: 'DELETE /api/providers/:id', target: provider.id, fields: '', status: 204 },
  ])
  const all = lines.join('\n') + JSON.stringify(await told(8))
  for (const secret of [key, password, 'a wrong password', made.secret, operator.token])
    expect(all).not.toContain(secret)
  expect(all).toContain('management.changed')
})

test('that is so whatever the level of the log', async () => {
  const { api, lines } = await startManaged({ log: { level: 'error' } })
  await api('PUT /logs/level', { level: 'error' })
  await api('POST /cache/purge', {})
  const routes = async () =>
    ((await api('GET /logs?component=management')).body.data as Line[]).map(({ fields }) => fields.route)
  await expect.poll(routes, { timeout: 5_000 }).toEqual(['POST /api/cache/purge', 'PUT /api/logs/level'])
  expect(lines.join('\n')).not.toContain('management.changed')
})

test('those who follow the events see it as it happens', async () => {
  const { api, origin, token } = await startManaged()
  const gone = new AbortController()
  const response = await fetch(`${origin}/api/events?types=management.changed`, {
    headers: { authorization: `Bearer ${token}` },
    signal: gone.signal,
  })
  await api('POST /cache/purge', {})
  for await (const piece of response.body!) {
    expect(Buffer.from(piece as Uint8Array).toString()).toMatch(/event: management\.changed\ndata: .*cache\/purge/)
    break
  }
  gone.abort()
})

test('commands that change keys are on record as well', { timeout: 60_000 }, async () => {
  const { api, home } = await startManaged()
  const parley = async (...args: string[]) => {
    const options = { env: { ...process.env, PARLEY_HOME: home } }
    const { stdout } = await run(process.execPath, ['src/cli/main.ts', ...args, '--json'], options)
    return JSON.parse(stdout) as { id: string; secret: string }
  }
  const made = await parley('key', 'new', 'app', '--project', 'shop')
  const next = await parley('key', 'rotate', made.id)
  await parley('key', 'revoke', next.id)
  const { body, text } = await api('GET /logs?component=management')
  const fields = (route: string, target: string) => ({ actor: 'machine:cli', role: 'admin', route, target })
  expect((body.data as Line[]).map(({ fields }) => fields).reverse()).toEqual([
    fields('parley key new', made.id),
    fields('parley key rotate', made.id),
    fields('parley key revoke', next.id),
  ])
  for (const { secret } of [made, next]) expect(text).not.toContain(secret)
  expect((await api('GET /keys?revoked=true')).body.data).toMatchObject([{ id: next.id, project: 'shop' }])
})

test('an alert that was raised is over when its node stops, or has come back from a crash', async () => {
  const first = await startManaged({
    upstreams: [{ name: 'gone', url: 'http://127.0.0.1:9/v1', models: ['m'] }],
    alerts: { rules: [{ metric: 'provider_failures', threshold: 1, clear: 0 }] },
  })
  const { store: open, api, chat } = first
  const firing = async () => (await api('GET /alerts?state=firing')).body.total
  await chat('m')
  await expect.poll(firing, { timeout: 5_000 }).toBe(1)
  const { store } = await open()
  await first.node.stop()
  const states = async () => (await store.alerts.list({}, { page: 1, limit: 10 })).rows.map(({ state }) => state)
  expect(await states()).toEqual(['resolved'])
  const left = { rule: 'memory', subject: 'node', value: 9, threshold: 8, startedAt: 1, message: 'left by a crash' }
  await store.alerts.create(left)
  const again = await startManaged({}, { home: first.home })
  expect((await again.api('GET /alerts?state=firing')).body.total).toBe(0)
})

test('lines of the log are searched literally and by each filter', async () => {
  const { api, store: open } = await startManaged()
  const { store } = await open()
  const messages = ['100% done', '100 and done', 'a_b', 'axb', 'it\'s \\ "quoted"', '(.*)', 'two\\nlines']
  const line = (message: string, at: number) => ({
    id: crypto.randomUUID(),
    timestamp: 1_000 + at,
    level: at % 2 === 0 ? ('warn' as const) : ('error' as const),
    component: at < 3 ? 'store' : 'gateway',
    message,
    requestId: null,
    fields: {},
  })
  await store.logs.write(messages.map(line))
  const found = async (query: Record<string, string>) => {
    const { body } = await api(`GET /logs?${new URLSearchParams({ to: '2000', ...query })}`)
    return body.data.map(({ message }: { message: string }) => message).reverse()
  }
  expect(await found({})).toEqual(messages)
  for (const search of ['100%', 'a_b', "it's", '"quoted"', '(.*)', '\\']) {
    expect(await found({ search }), search).toEqual(messages.filter(message => message.includes(search)))
  }
  expect(await found({ level: 'warn', component: 'store' })).toEqual([messages[0], messages[2]])
  expect(await found({ from: '1003', to: '1005' })).toEqual([messages[3], messages[4]])
})
