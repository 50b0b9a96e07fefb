import { z } from 'zod'
import { httpUrl } from './values.ts'

export const telemetrySection = z
  .strictObject({
    metricsToken: z
      .string()
      .min(16, 'has fewer than 16 characters')
      .optional()
      .describe('Token that opens `GET /metrics`, beside the one of the run directory.')
      .meta({ secret: true }),
    metricsTokenFile: z.string().min(1).optional().describe('File that holds such a token.'),
    metricsOpen: z
      .boolean()
      .default(false)
      .describe('Whether programs on this machine may read `GET /metrics` without a token.'),
    otlpUrl: httpUrl()
      .optional()
      .describe(
        'Where spans are sent by OTLP over HTTP, like `http://127.0.0.1:4318/v1/traces`; no traces when missing.',
      ),
    otlpToken: z
      .string()
      .min(1)
      .optional()
      .describe('Sent to that address as `authorization: Bearer`.')
      .meta({ secret: true }),
    otlpTokenFile: z.string().min(1).optional().describe('File that holds such a token.'),
    tracePercent: z
      .number()
      .min(0)
      .max(100)
      .default(100)
      .describe('How many of 100 calls are traced of those whose app sent no trace; else the app decides.'),
  })
  .describe('What the node tells programs that watch it. No prompt, no key and no caller is ever among it.')
