import { isIP } from 'node:net'
import { z } from 'zod'

/** An amount in whole tokens, as people write it: `"0.20"`. Never a number, so that no digit is lost. */
export const amount = () =>
  z
    .string({ error: 'is an amount: write it in quotes, like "0.20"' })
    .regex(/^\d{1,24}(\.\d{1,18})?$/, 'is an amount in whole tokens: digits with at most one point, like "0.20"')

/** An amount of dollars, as people write it; nothing below a millionth. */
export const dollars = () =>
  z
    .string({ error: 'is an amount in dollars: write it in quotes, like "0.15"' })
    .regex(/^\d{1,9}(\.\d{1,6})?$/, 'is an amount in dollars: digits, at most six after the point, like "0.15"')

export const address = () =>
  z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'is an address: 0x and 40 hexadecimal digits') as unknown as z.ZodType<
    `0x${string}`,
    `0x${string}`
  >

/** A name that is safe as a file name, in a header and in a URL. */
export const shortName = () =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'is a name: letters, digits and . _ : / - only')

/** An http or https URL without user name or password, which would end up in logs. */
export const httpUrl = () =>
  z.string().refine(isPlainHttpUrl, 'is a URL that starts with http:// or https:// and holds no user name or password')

export const milliseconds = (max = 24 * 60 * 60 * 1000) => z.int().min(1).max(max)
export const count = (max: number) => z.int().min(1).max(max)

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (bare === 'localhost' || bare === '::1') return true
  return isIP(bare) === 4 && bare.startsWith('127.')
}

function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
