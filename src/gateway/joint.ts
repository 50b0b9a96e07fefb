/**
 * Where a continuation meets what was said before it. A model may well say again what it has just said: a digit, a word, a
 * refrain. So only what can be nothing but an echo is dropped: at least `echoMin` units with words among them, from where a
 * word begins up to the end of what was said, which the answer had said once. Nothing else is ever taken away.
 */
export interface Joint {
  /** What is new in the next piece; empty while it may still be an echo. */
  push: (piece: string) => string
  /** What was kept back, when nothing more comes. */
  end: () => string
  /**
   * Whether this is no rest of the answer, or nobody can tell: it says nothing, it begins the answer anew in other words or
   * in so few that they may be meant, or it is an echo that goes on within a number.
   */
  readonly isDoubtful: boolean
}

/** How far back an echo may begin, in UTF-16 units; one of the whole answer is always found. */
const windowMax = 8 * 1024
/** So much is not said again by chance, in UTF-16 units. */
const echoMin = 16
/** So much from the middle of what was said, said again and then left: no chance, but a model that starts over. */
const rewordingMin = 48
/** A text that says so much of itself twice may say it three times. */
const periodMax = 512
const wordCharacter = /[\p{L}\p{N}_]/u

export function createJoint(said: string): Joint {
  const starts = startsOf(said)
  const [beginning] = starts
  const endsInNumber = /\p{N}$/u.test(said)
  let alive = starts
  /** All that came, and the same from its first sign on: white space before it says nothing. */
  let kept = ''
  let heard = ''
  let isOver = false
  let isDoubtful = false

  const decide = (): string => {
    isOver = true
    const start = alive.find(at => said.length - at <= heard.length)
    if (start === undefined) {
      isDoubtful = heard === '' || isAnew(said, starts, heard)
      return kept
    }
    const rest = heard.slice(said.length - start)
    const isEcho = said.length - start >= echoMin && hasWords(said, start) && isSaidOnce(said, start, said.length)
    isDoubtful = isEcho ? endsInNumber && /^\p{N}/u.test(rest) : start === beginning
    return isEcho ? rest : kept
  }
  /** One of them is not heard out, or it is and the next sign tells whether its last number goes on. */
  const isOpen = (at: number) => said.length - at > heard.length || (endsInNumber && said.length - at === heard.length)
  return {
    push: piece => {
      if (isOver) return piece
      kept += piece
      const more = heard === '' ? piece.trimStart() : piece
      alive = alive.filter(at => isMatch(said, at + heard.length, more))
      heard += more
      return heard === '' || alive.some(isOpen) ? '' : decide()
    },
    end: () => (isOver ? '' : decide()),
    get isDoubtful() {
      return isDoubtful
    },
  }
}

/** Where the answer begins, then where words and signs begin that are far enough from its end. */
function startsOf(text: string): number[] {
  const beginning = text.search(/\S/)
  if (beginning === -1) return []
  const starts = [beginning]
  for (let at = Math.max(beginning + 1, text.length - windowMax); at <= text.length - echoMin; at++) {
    const isWithin = wordCharacter.test(text[at - 1]!) && wordCharacter.test(text[at]!)
    if (!isWithin && text[at]!.trim() !== '') starts.push(at)
  }
  return starts
}

/** Whether a text from there on and the next piece are alike as far as both go. */
function isMatch(text: string, at: number, piece: string): boolean {
  const left = text.length - at
  return left >= piece.length ? text.startsWith(piece, at) : left <= 0 || piece.startsWith(text.slice(at))
}

/** Whether it begins like the answer, or goes through something long that the answer said once, and then leaves it. */
function isAnew(said: string, [beginning, ...others]: readonly number[], heard: string): boolean {
  if (beginning === undefined) return false
  const isLike = (at: number, least: number) => {
    const length = commonLength(said, at, heard)
    return length >= least && isSaidOnce(said, at, at + length)
  }
  return isShortAnew(said.trim(), heard) || isLike(beginning, echoMin) || others.some(at => isLike(at, rewordingMin))
}

/** All of a short answer with something else than its white space behind it. */
function isShortAnew(said: string, heard: string): boolean {
  return heard.startsWith(said) && !wordCharacter.test(heard[said.length] ?? ' ')
}

/** Numbers and signs alone may be counted on. */
function hasWords(text: string, from: number): boolean {
  return /\p{L}/u.test(text.slice(from))
}

/** Whether a part of a text stands there alone, and is no repetition in itself. */
function isSaidOnce(text: string, from: number, to: number): boolean {
  const part = text.slice(from, to)
  const half = part.slice(0, Math.min(periodMax, Math.ceil(part.length / 2)))
  return text.indexOf(part) === from && text.indexOf(part, from + 1) === -1 && part.indexOf(half, 1) === -1
}

/** How much both have in common, up to `rewordingMin`. */
function commonLength(text: string, at: number, other: string): number {
  let length = 0
  while (length < rewordingMin && text[at + length] !== undefined && text[at + length] === other[length]) length++
  return length
}
