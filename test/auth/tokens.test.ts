import { createHmac, generateKeyPairSync, hkdfSync, sign as signWith } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createTokens } from '../../src/auth/index.ts'
import { heldClock } from './stage.ts'

const clock = heldClock()
const masterKey = new Uint8Array(32).fill(7)
const tokens = createTokens({ masterKey, clock })
const signingKey = Buffer.from(hkdfSync('sha256', masterKey, '', 'parley signed tokens', 32))
const claims = { subject: 'user-1', session: 'session-1' }
const now = Math.floor(clock.now() / 1_000)

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const goodHeader = { alg: 'HS256', typ: 'at+jwt' }
const goodPayload = {
  sid: 'session-1',
  iss: 'parley',
  aud: 'parley:access',
  sub: 'user-1',
  iat: now,
  nbf: now,
  exp: now + 600,
}
const hmac = (text: string, key: Buffer | string = signingKey, name = 'sha256') =>
  createHmac(name, key).update(text).digest('base64url')
/** A token with the right signature over whatever it says. */
function signed(
  payload: unknown = goodPayload,
  header: unknown = goodHeader,
  key: Buffer | string = signingKey,
): string {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${hmac(text, key)}`
}
const without = (name: string) => Object.fromEntries(Object.entries(goodPayload).filter(([field]) => field !== name))
const text = `${encode(goodHeader)}.${encode(goodPayload)}`
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const asymmetric = (alg: string, key: typeof rsa.privateKey) => {
  const said = `${encode({ ...goodHeader, alg })}.${encode(goodPayload)}`
  return `${said}.${signWith('sha256', Buffer.from(said), key).toString('base64url')}`
}

/** Nothing of this may pass. */
const hostile: Readonly<Record<string, string>> = {
  nothing: '',
  'a space': ' ',
  garbage: 'garbage',
  'dots alone': '..',
  'two parts': text,
  'four parts': `${signed()}.x`,
  'five parts, as encrypted ones have': 'a.b.c.d.e',
  'a NUL behind it': `${signed()}\0`,
  'a line break in it': signed().replace('.', '.\n'),
  'a letter of no base64url': signed().replace('.', '.$'),
  'a megabyte': 'a'.repeat(1_000_000),
  'alg none without a signature': `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(goodPayload)}.`,
  'alg None': `${encode({ alg: 'None', typ: 'at+jwt' })}.${encode(goodPayload)}.`,
  'alg NONE with the right signature': signed(goodPayload, { ...goodHeader, alg: 'NONE' }),
  'alg none with the right signature': signed(goodPayload, { ...goodHeader, alg: 'none' }),
  'no alg': signed(goodPayload, { typ: 'at+jwt' }),
  'alg of another hash': signed(goodPayload, { ...goodHeader, alg: 'HS512' }),
  'HS512, rightly': (() => {
    const said = `${encode({ ...goodHeader, alg: 'HS512' })}.${encode(goodPayload)}`
    return `${said}.${hmac(said, signingKey, 'sha512')}`
  })(),
  'alg in small letters': signed(goodPayload, { ...goodHeader, alg: 'hs256' }),
  'alg as a list': signed(goodPayload, { ...goodHeader, alg: ['HS256'] }),
  'RS256 with a key of its own': asymmetric('RS256', rsa.privateKey),
  'ES256 with a key of its own': asymmetric('ES256', ec.privateKey),
  'a public key taken for the secret': signed(goodPayload, goodHeader, publicPem),
  'an empty secret': signed(goodPayload, goodHeader, ''),
  'the master key itself': signed(goodPayload, goodHeader, Buffer.from(masterKey)),
  'a key it brings along': signed(goodPayload, { ...goodHeader, jwk: { kty: 'oct', k: encode('x') } }, 'x'),
  'a key it points to': signed(goodPayload, { ...goodHeader, jku: 'http://127.0.0.1/keys', kid: '../../dev/null' }, ''),
  'an extension that must be understood': signed(goodPayload, { ...goodHeader, crit: ['exp'] }),
  'no signature': `${text}.`,
  'half a signature': signed().slice(0, -20),
  'a changed signature': signed()
    .replace(/.$/, end => (end === 'A' ? 'E' : 'A'))
    .replace(/\.(.)([^.]*)$/, (_, a, b) => `.${a === 'x' ? 'y' : 'x'}${b}`),
  'changed words': signed().replace(encode(goodPayload), encode({ ...goodPayload, sub: 'admin' })),
  'the signature of another': `${text}.${signed({ ...goodPayload, sub: 'x' }).split('.')[2]}`,
  expired: signed({ ...goodPayload, iat: now - 1_000, nbf: now - 1_000, exp: now - 6 }),
  'no end': signed(without('exp')),
  'an end that is no number': signed({ ...goodPayload, exp: 'never' }),
  'not yet valid': signed({ ...goodPayload, nbf: now + 60 }),
  'issued in the future': signed({ ...goodPayload, iat: now + 600, exp: now + 1_200 }),
  'issued too long ago, with a late end': signed({
    ...goodPayload,
    iat: now - 3_600,
    nbf: now - 3_600,
    exp: now + 1e9,
  }),
  'no time of issue': signed(without('iat')),
  'another audience': signed({ ...goodPayload, aud: 'other' }),
  'no audience': signed(without('aud')),
  'another issuer': signed({ ...goodPayload, iss: 'evil' }),
  'no issuer': signed(without('iss')),
  'no subject': signed(without('sub')),
  'no session': signed(without('sid')),
  'a session that is no text': signed({ ...goodPayload, sid: { $ne: null } }),
  'another type': signed(goodPayload, { ...goodHeader, typ: 'JWT' }),
  'a payload that is no object': signed('"x"'),
  'a payload that is no JSON': signed('{'),
}

describe('tokens', () => {
  test('the stage makes good tokens, so what follows is refused for its own reason', async () => {
    expect(await tokens.verify('access', signed())).toEqual(claims)
    expect(Object.keys(hostile).length).toBeGreaterThanOrEqual(40)
  })

  for (const [what, token] of Object.entries(hostile)) {
    test(`${what}: refused`, async () => {
      await expect(tokens.verify('access', token)).rejects.toMatchObject({ code: 'unauthorized' })
    })
  }

  test('one of ours is good until its time is over, at most a quarter of an hour', async () => {
    const token = await tokens.sign('access', claims, 1e9)
    expect(await tokens.verify('access', token)).toEqual(claims)
    clock.move(13 * 60_000)
    expect(await tokens.verify('access', token)).toEqual(claims)
    clock.move(2 * 60_000)
    await expect(tokens.verify('access', token)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  test('one for one use is worth nothing for another, nor on another installation', async () => {
    const uses = ['access', 'setup', 'invitation'] as const
    for (const use of uses) {
      const token = await tokens.sign(use, claims, 60_000)
      for (const other of uses.filter(each => each !== use)) {
        await expect(tokens.verify(other, token)).rejects.toMatchObject({ code: 'unauthorized' })
      }
      const stranger = createTokens({ masterKey: new Uint8Array(32).fill(8), clock })
      await expect(stranger.verify(use, token)).rejects.toMatchObject({ code: 'unauthorized' })
    }
  })
})
