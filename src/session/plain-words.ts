import { ParleyError } from '../core/index.ts'

const wordsMax = 200

/** Another node's words, short and in one line, for a message of ours. */
export function plainWords(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
  return plain.length > wordsMax ? `${plain.slice(0, wordsMax - 1)}…` : plain
}

/** An error about money another node may have worded: the same, with a message that can go into logs and terminals. */
export function plainError(error: ParleyError): ParleyError {
  const { code, details, retryAfterSeconds, param, saidBy } = error
  const message = plainWords(error.message)
  if (message === error.message) return error
  return new ParleyError(code, message, {
    cause: error,
    ...(details !== undefined && { details }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(param !== undefined && { param }),
    ...(saidBy !== undefined && { saidBy }),
  })
}
