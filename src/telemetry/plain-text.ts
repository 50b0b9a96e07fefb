/** Characters that could forge a line, move a cursor or turn the direction of writing. */
const unseen = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Text of others on one line: what a terminal would obey is written as its code. */
export function visible(text: string): string {
  return text.replaceAll(unseen, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * A text without what looks like a secret. Nobody hands one to the event log; this is the last of several walls, for words
 * that came from elsewhere.
 */
export function withoutSecrets(text: string): string {
  // Most texts are short names; they are looked at once.
  if (text.length < secretLengthMin || !trace.test(text)) return text
  return secrets.reduce((rest, [pattern, shown]) => rest.replaceAll(pattern, shown), text)
}

const secretLengthMin = 14
/** Without it, none of the patterns fits. */
const trace = /bearer|basic|[sprk]k[-_]|xai|gsk|hf[-_]|ghp|eyJ|A[KS]IA|AIza|=|:\/\//i
const secrets: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic) +[\w+/=.~-]{8,}/gi, '$1 [hidden]'],
  [/\b(sk|pk|rk|xai|gsk|hf|ghp)[-_][\w-]{11,}/gi, '$1-[hidden]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[hidden]'],
  [/\bA(?:KIA|SIA)[A-Z0-9]{12,}/g, '[hidden]'],
  [/\bAIza[\w-]{20,}/g, '[hidden]'],
  [/([?&](?:api[_-]?key|key|token|access[_-]?token|secret|signature)=)[^&\s"']+/gi, '$1[hidden]'],
  [/(:\/\/)[^/\s:@]+:[^/\s@]+@/g, '$1[hidden]@'],
]
