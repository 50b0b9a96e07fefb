import { z } from 'zod'

export const logSection = z
  .strictObject({
    level: z
      .enum(['silent', 'error', 'warn', 'info', 'debug'])
      .default('info')
      .describe('How much the node says on stderr. Prompts are never logged, at no level.'),
    format: z
      .enum(['text', 'json'])
      .default('text')
      .describe('What is written to stderr: lines for people, or one JSON object per line.'),
    file: z.string().min(1).optional().describe('File that gets lines of JSON as well, whatever `format` says.'),
    fileMaxBytes: z
      .int()
      .min(65_536)
      .max(16 * 1024 ** 3)
      .default(64 * 1024 ** 2)
      .describe('When the file has grown to this it is set aside as `<file>.1`, in place of the one before.'),
  })
  .describe('What the node says while it runs.')
