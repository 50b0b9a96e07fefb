import { afterEach, expect, test } from 'vitest'
import { ParleyError } from '../../src/core/index.ts'
import { createMailer, type MailerOptions } from '../../src/telemetry/index.ts'
import { localhostTls } from '../localhost-tls.ts'
import { type SmtpManners, startSmtpServer } from './smtp-server.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function mailing(manners: SmtpManners = {}, more: Partial<MailerOptions> = {}) {
  const server = await startSmtpServer(manners)
  endings.push(server.stop)
  const usual = { host: 'localhost', port: server.port, security: 'none', from: 'node@example.com' } as const
  return { ...server, mailer: createMailer({ ...usual, timeoutMs: 2_000, ...more }) }
}

const mail = { to: ['a@example.com', 'b@example.com'], subject: 'An alert', text: 'Something happened.\n.\nReally.\n' }
const soon = () => AbortSignal.timeout(10_000)

test('a message arrives as it is, with all its recipients', async () => {
  const { mailer, delivered } = await mailing()
  await mailer.send(mail, soon())
  expect(delivered).toMatchObject([{ from: 'node@example.com', to: mail.to, isSecure: false, login: undefined }])
  const { data } = delivered[0]!
  expect(data).toMatch(/^Subject: An alert$/m)
  expect(data).toMatch(/^To: a@example\.com, b@example\.com$/m)
  expect(data).toContain('Something happened.\n.\nReally.')
})

test('whatever stands in a subject, it is no header and no recipient', async () => {
  const { mailer, delivered } = await mailing()
  await mailer.send({ ...mail, to: ['a@example.com'], subject: 'x\r\nBcc: evil@example.com\r\n\r\nforged' }, soon())
  expect(delivered[0]!.to).toEqual(['a@example.com'])
  expect(delivered[0]!.data.split('\n\n')[0]).not.toMatch(/^(Bcc|forged)/m)
})

test('over STARTTLS and over TLS, with a login', async () => {
  const login = { user: 'node', password: 'correct horse' }
  const ca = localhostTls.cert
  for (const [manners, security] of [
    [{ starttls: true }, 'starttls'],
    [{ tls: true }, 'tls'],
  ] as const) {
    const { mailer, delivered } = await mailing({ ...manners, login: 'node:correct horse' }, { security, ca, ...login })
    await mailer.send(mail, soon())
    expect(delivered).toMatchObject([{ isSecure: true, login: 'node:correct horse' }])
  }
})

test('a server without STARTTLS gets neither password nor message', async () => {
  const { mailer, delivered } = await mailing(
    { login: 'node:pw' },
    { security: 'starttls', user: 'node', password: 'pw' },
  )
  await expect(mailer.send(mail, soon())).rejects.toMatchObject({ code: 'backend_failed' })
  expect(delivered).toEqual([])
})

test('a certificate nobody vouches for ends it', async () => {
  const { mailer, delivered } = await mailing({ tls: true }, { security: 'tls' })
  await expect(mailer.send(mail, soon())).rejects.toMatchObject({ code: 'backend_failed' })
  expect(delivered).toEqual([])
})

test('a refused login is said without the password or the words of the server', async () => {
  const wrong = { user: 'node', password: 'wrong-password' }
  const { mailer } = await mailing({ login: 'node:right' }, wrong)
  const error = await mailer.send(mail, soon()).catch((cause: unknown) => cause)
  expect(error).toBeInstanceOf(ParleyError)
  expect(error).toMatchObject({ code: 'backend_refused' })
  expect((error as ParleyError).message).toMatch(/refused to log in \(535\); check mail\.user/)
  expect((error as ParleyError).message).not.toMatch(/wrong-password|CANARY/)
})

test('a refused recipient is said', async () => {
  const { mailer } = await mailing({ refuses: /./ })
  await expect(mailer.send(mail, soon())).rejects.toMatchObject({ code: 'backend_refused' })
})

test('a server that is silent is given up in time', async () => {
  for (const silentAt of ['greeting', 'DATA'] as const) {
    const { mailer } = await mailing({ silentAt }, { timeoutMs: 200 })
    await expect(mailer.send(mail, soon())).rejects.toMatchObject({ code: 'timeout' })
  }
})

test('nobody there is said; whoever gives up is not kept', async () => {
  const { mailer, stop } = await mailing()
  await stop()
  await expect(mailer.send(mail, soon())).rejects.toMatchObject({ code: 'backend_failed' })
  const silent = await mailing({ silentAt: 'greeting' }, { timeoutMs: 30_000 })
  const startedAt = performance.now()
  await expect(silent.mailer.send(mail, AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'timeout' })
  await expect(silent.mailer.send(mail, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
