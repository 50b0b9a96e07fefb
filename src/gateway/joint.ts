/** Where a continuation meets what was said before it: the words that both have are said once. */
export interface Joint {
  /** What is new in the next piece; empty while it may still be a repetition. */
  push: (piece: string) => string
  /** What was kept back, when nothing more comes. */
  end: () => string
  /** Whether it begins the answer anew in other words: then it is no continuation. */
  readonly isRewording: boolean
}

/** How far back a repetition may begin, in UTF-16 units; one of the whole answer is always found. */
const windowMax = 8 * 1024
/** As much of what was said, said again and then left: no chance, but a model that starts over. */
const rewordingMin = 48
const wordCharacter = /[\p{L}\p{N}_]/u

/** A repetition begins where a word begins and has at least one, so that `Mis` and `sissippi` still meet. */
export function createJoint(said: string): Joint {
  const starts = startsOf(said)
  let alive = starts
  let kept = ''
  let isOver = false
  let isRewording = false

  const decide = (): string => {
    isOver = true
    const start = alive.find(at => said.length - at <= kept.length && wordCharacter.test(said.slice(at)))
    isRewording = start === undefined && starts.some(at => commonLength(said, at, kept) >= rewordingMin)
    return start === undefined ? kept : kept.slice(said.length - start)
  }
  return {
    push: piece => {
      if (isOver) return piece
      alive = alive.filter(at => isMatch(said, at + kept.length, piece))
      kept += piece
      return alive.some(at => said.length - at > kept.length) ? '' : decide()
    },
    end: () => (isOver ? '' : decide()),
    get isRewording() {
      return isRewording
    },
  }
}

/** Places where a word or a sign begins, the first one first. */
function startsOf(text: string): number[] {
  const starts = [0]
  for (let at = Math.max(1, text.length - windowMax); at < text.length; at++) {
    if (!wordCharacter.test(text[at - 1]!) || !wordCharacter.test(text[at]!)) starts.push(at)
  }
  return starts
}

/** Whether a text from there on and the next piece are alike as far as both go. */
function isMatch(text: string, at: number, piece: string): boolean {
  const left = text.length - at
  return left >= piece.length ? text.startsWith(piece, at) : left <= 0 || piece.startsWith(text.slice(at))
}

function commonLength(text: string, at: number, other: string): number {
  let length = 0
  while (length < rewordingMin && text[at + length] !== undefined && text[at + length] === other[length]) length++
  return length
}
