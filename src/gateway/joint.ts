/** Where a continuation meets what was said before it: the words that both have are said once. */
export interface Joint {
  /** What is new in the next piece; empty while it may still be a repetition. */
  push: (piece: string) => string
  /** What was kept back, when nothing more comes. */
  end: () => string
  /** Whether it begins the answer anew in other words: then it is no continuation. */
  readonly isRewording: boolean
}

/** How far back a repetition is looked for, in UTF-16 units. */
const windowMax = 64 * 1024
/** As much of what was said, said again and then left: no chance, but a model that starts over. */
const rewordingMin = 48
const wordCharacter = /[\p{L}\p{N}_]/u

/** A repetition begins where a word begins and has at least one, so that `Mis` and `sissippi` still meet. */
export function createJoint(said: string): Joint {
  const tail = said.slice(-windowMax)
  const starts = startsOf(tail)
  let alive = starts
  let kept = ''
  let isOver = false
  let isRewording = false

  const decide = (): string => {
    isOver = true
    const start = alive.find(at => tail.length - at <= kept.length && wordCharacter.test(tail.slice(at)))
    isRewording = start === undefined && starts.some(at => commonLength(tail, at, kept) >= rewordingMin)
    return start === undefined ? kept : kept.slice(tail.length - start)
  }
  return {
    push: piece => {
      if (isOver) return piece
      kept += piece
      alive = alive.filter(at => isMatch(tail, at, kept))
      return alive.some(at => tail.length - at > kept.length) ? '' : decide()
    },
    end: () => (isOver ? '' : decide()),
    get isRewording() {
      return isRewording
    },
  }
}

/** Places where a word or a sign begins, the first one first. */
function startsOf(text: string): number[] {
  const starts: number[] = []
  for (let at = 0; at < text.length; at++) {
    const isInWord = at > 0 && wordCharacter.test(text[at - 1]!) && wordCharacter.test(text[at]!)
    if (!isInWord) starts.push(at)
  }
  return starts
}

/** Whether the text from there on and the other one are alike as far as both go. */
function isMatch(text: string, at: number, other: string): boolean {
  return other.length <= text.length - at ? text.startsWith(other, at) : other.startsWith(text.slice(at))
}

function commonLength(text: string, at: number, other: string): number {
  let length = 0
  while (at + length < text.length && length < other.length && text[at + length] === other[length]) length++
  return length
}
