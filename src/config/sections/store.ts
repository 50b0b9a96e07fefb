import { z } from 'zod'
import { count } from './values.ts'

const days = () => count(36_500)

const postgresUrl = z
  .string()
  .regex(/^postgres(?:ql)?:\/\/\S+$/, 'is the URL of a PostgreSQL: postgres://user:password@host:port/database')

export const storeSection = z
  .strictObject({
    url: postgresUrl
      .optional()
      .describe('A PostgreSQL that several nodes may share; a file in the data directory when missing.')
      .meta({ secret: true }),
    urlFile: z.string().min(1).optional().describe('File that holds such a URL.'),
    connectionsMax: count(1_000).default(10).describe('Connections to PostgreSQL.'),
    masterKey: z
      .string()
      .min(43, 'is too short: a master key is 32 bytes in hexadecimal or base64')
      .optional()
      .describe(
        'Seals the keys of providers; nodes that share a database share it. Made and kept in the data directory when missing.',
      )
      .meta({ secret: true }),
    masterKeyFile: z.string().min(1).optional().describe('File that holds such a key.'),
    requestDays: days().default(365).describe('How long rows of requests are kept. Their sums stay.'),
    logDays: days().default(14).describe('How long lines of the log are kept in the store.'),
    spoolBytesMax: count(1e12)
      .default(256 * 1024 * 1024)
      .describe('What may wait on disk while the database is away; more is dropped and counted.'),
  })
  .refine(({ url, urlFile }) => url === undefined || urlFile === undefined, {
    path: ['urlFile'],
    message: 'and url are both set: keep one',
  })
  .refine(({ masterKey, masterKeyFile }) => masterKey === undefined || masterKeyFile === undefined, {
    path: ['masterKeyFile'],
    message: 'and masterKey are both set: keep one',
  })
  .describe('Where providers, keys, users and requests are kept. Money has a book of its own.')

export const archiveSection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether texts of requests and answers are kept, where a key does not say otherwise.'),
    days: days().default(30).describe('How long they are kept.'),
  })
  .describe('What apps asked and got, word for word. Nothing that peers ask is ever kept.')

export const redisSection = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/\S+$/, 'is the URL of a Redis: redis://user:password@host:port/0')
      .optional()
      .describe('A Redis through which nodes share limits, answers, cooldowns and news; each goes alone when missing.')
      .meta({ secret: true }),
    urlFile: z.string().min(1).optional().describe('File that holds such a URL.'),
    prefix: z
      .string()
      .regex(/^[\w.:-]{1,64}$/, 'is a prefix of keys: letters, digits and . _ : - only')
      .default('parley:')
      .describe('Stands before every key, so that several services can use one Redis.'),
  })
  .refine(({ url, urlFile }) => url === undefined || urlFile === undefined, {
    path: ['urlFile'],
    message: 'and url are both set: keep one',
  })
  .describe('What several nodes of one operator share.')
