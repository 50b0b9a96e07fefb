import { z } from 'zod'
import { alertMetrics } from '../../core/index.ts'
import { count, httpUrl, isLoopback, milliseconds, shortName } from './values.ts'

const seconds = () => z.number().min(1).max(86_400)

const alertRule = z
  .strictObject({
    name: shortName().optional().describe('How it is called in notices; the metric when missing.'),
    metric: z.enum(alertMetrics).describe('What is measured; see docs/operations.md.'),
    threshold: z.number().min(0).describe('Raised when the value is this high.'),
    clear: z
      .number()
      .min(0)
      .optional()
      .describe('Over when the value is this low; four fifths of the threshold when missing.'),
    clearSeconds: seconds().optional().describe('For how long it has to be that low; 60 when missing.'),
    windowSeconds: seconds().optional().describe('What lies longer back does not count; 300 when missing.'),
    minimum: count(1_000_000).optional().describe('Calls without which nothing is raised; 20 when missing.'),
  })
  .refine(({ threshold, clear = 0 }) => clear <= threshold, {
    path: ['clear'],
    message: 'is above threshold: it would be raised and over at the same time',
  })

export const alertsSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether the node watches itself.'),
    rules: z
      .array(alertRule)
      .max(64)
      .refine(
        rules => new Set(rules.map(({ name, metric }) => name ?? metric)).size === rules.length,
        'has two rules of the same name',
      )
      .default([])
      .describe(
        'What is watched: `metric`, `threshold`, and optionally `name`, `clear`, `clearSeconds`, `windowSeconds`, `minimum`; empty watches what is usual, see docs/operations.md.',
      ),
    webhookUrl: httpUrl().optional().describe('Where alerts are posted as JSON.'),
    webhookSecret: z
      .string()
      .min(16, 'has fewer than 16 characters')
      .optional()
      .describe('Signs what is posted, so that the receiver knows whom it comes from.')
      .meta({ secret: true }),
    webhookSecretFile: z.string().min(1).optional().describe('File that holds such a secret.'),
    webhookPrivate: z
      .boolean()
      .default(false)
      .describe('Whether that address may lead into the own network or to this machine.'),
    mailTo: z.array(z.email()).max(32).default([]).describe('Who gets alerts by mail; needs `mail.host`.'),
  })
  .describe('When the node raises an alarm, and whom it tells.')

export const mailSection = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('Server that takes mail by SMTP; no mail is sent when missing.'),
    port: z.int().min(1).max(65_535).default(587).describe('Its port: 587 for `starttls`, 465 for `tls`.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe('How the connection is kept secret; `none` only for a server on this machine or without a login.'),
    user: z.string().min(1).max(255).optional().describe('Name to log in with.'),
    password: z.string().min(1).optional().describe('Password to log in with.').meta({ secret: true }),
    passwordFile: z.string().min(1).optional().describe('File that holds that password.'),
    from: z.email().default('parley@localhost.localdomain').describe('Who the mail is from.'),
    timeoutMs: milliseconds(120_000).default(15_000).describe('How long the server may take for each step.'),
    caFile: z.string().min(1).optional().describe('Certificate authorities to trust for it, in PEM.'),
  })
  .superRefine(({ host = '', security, user }, issues) => {
    if (security !== 'none' || user === undefined || isLoopback(host)) return
    issues.addIssue({
      code: 'custom',
      path: ['security'],
      message: 'is none: the password would cross the network in the open; use starttls',
    })
  })
  .describe('The server that sends mail: alerts, and what accounts need.')
