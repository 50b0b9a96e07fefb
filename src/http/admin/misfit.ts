import type { z } from 'zod'
import { ParleyError } from '../../core/index.ts'

/** What fits its schema. Throws `invalid_request` naming the first field that does not, by the name of the value before it. */
export function fitting<T>(schema: z.ZodType<T>, value: unknown, what: 'query' | 'body' | 'path', name?: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const path = [...(name === undefined ? [] : [name]), ...issue.path, ...unknown]
    .map(String)
    .join('.')
    .slice(0, pathMaxLength)
  if (unknown.length > 0) throw refusal(path, `${path} is not a field of this ${what}; leave it out`)
  if (isMissing(issue) && path !== '') throw refusal(path, `${path} is missing; send it`)
  if (path === '') throw new ParleyError('invalid_request', `the ${what} ${misfit(issue)}`)
  throw refusal(path, `${path} ${misfit(issue)}`)
}

const pathMaxLength = 200

function refusal(param: string, message: string): ParleyError {
  return new ParleyError('invalid_request', message, { param })
}

type Issue = z.core.$ZodIssue

function isMissing({ message }: Issue): boolean {
  return message.endsWith('received undefined')
}

/** What is wrong and what would be right. Words of our own schemas say so already; values of the caller are not repeated. */
function misfit(issue: Issue): string {
  if (/^(?:is|holds|has|ends) /.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return `is not ${kinds[issue.expected] ?? `of the type ${issue.expected}`}; send one`
    case 'invalid_value':
      return `is none of ${issue.values.map(String).join(', ')}; send one of them`
    case 'too_small':
      return `is too small; send at least ${amount(issue.origin, issue.minimum)}`
    case 'too_big':
      return `is too large; send at most ${amount(issue.origin, issue.maximum)}`
    case 'invalid_format':
      return `is no ${formats[issue.format] ?? issue.format}; send one`
    default:
      return 'is not what it may be; see /api/docs'
  }
}

function amount(of: string, bound: number | bigint): string {
  const unit = { string: ' characters', array: ' entries', object: ' entries' }[of] ?? ''
  return `${bound}${unit}`
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const formats: Readonly<Record<string, string>> = { uuid: 'UUID', datetime: 'time with its zone' }
