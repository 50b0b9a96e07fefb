import { z } from 'zod'
import { count, isLoopback, milliseconds } from './values.ts'

export const httpSection = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .max(255)
      .default('127.0.0.1')
      .describe('Address to listen on. Anything but loopback also needs `requireKey` and `allowRemote`.'),
    port: z.int().min(0).max(65_535).default(7275).describe('Port of the local endpoint; 0 lets the system choose.'),
    requireKey: z
      .boolean()
      .default(true)
      .describe('Whether apps must send an API key. A key spends your money, so leave this on.'),
    allowRemote: z
      .boolean()
      .default(false)
      .describe(
        'Confirms that `host` may be reached from other machines: the node speaks plain HTTP, so put TLS in front of it.',
      ),
    behindProxy: z
      .boolean()
      .default(false)
      .describe(
        'Says that a proxy with TLS is in front and nothing else reaches the port: its `x-forwarded-for` and `x-forwarded-proto` are believed, and who came to it without HTTPS is refused.',
      ),
    trustedProxies: z
      .array(z.string().regex(/^[\da-fA-F.:]{2,45}(?:\/\d{1,3})?$/, 'is a network, like "10.0.0.0/8"'))
      .max(64)
      .default([])
      .describe(
        'Networks (CIDR) the proxy of `behindProxy` asks from; what others say of themselves is not believed. Empty: whoever connects is.',
      ),
    allowedHosts: z
      .array(z.string().min(1).max(255))
      .max(64)
      .default([])
      .describe('Host names apps may use besides localhost and loopback addresses, like `host.docker.internal`.'),
    bodyLimitBytes: z
      .int()
      .min(1_024)
      .max(256 * 1024 * 1024)
      .default(4 * 1024 * 1024)
      .describe('Largest request body; a larger one is refused before it is read.'),
    headersTimeoutMs: milliseconds(600_000).default(5_000).describe('How long a client may take to send its headers.'),
    requestTimeoutMs: milliseconds(600_000)
      .default(60_000)
      .describe('How long a client may take to send a whole request.'),
    connectionsMax: count(100_000).default(1_000).describe('Connections open at once; further ones are refused.'),
    concurrency: count(100_000).default(64).describe('Calls answered at once; further ones get `overloaded`.'),
    perKeyConcurrency: count(100_000).default(32).describe('Calls one API key may have running at once.'),
  })
  .superRefine(({ host, requireKey, allowRemote }, issues) => {
    if (isLoopback(host)) return
    const exposed = `${host} can be reached from other machines`
    if (!requireKey) {
      issues.addIssue({
        code: 'custom',
        path: ['requireKey'],
        message: `is false although ${exposed}: anybody could spend your money; set it to true or listen on 127.0.0.1`,
      })
    }
    if (!allowRemote) {
      issues.addIssue({
        code: 'custom',
        path: ['host'],
        message: `is not loopback: ${exposed} and the node speaks plain HTTP; set http.allowRemote = true if that is meant`,
      })
    }
  })
  .describe('The endpoint for your apps.')
