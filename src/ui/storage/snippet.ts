/** A stretch of plain text, and whether it is what was looked for. */
export interface Piece {
  readonly text: string
  readonly isHit: boolean
}

/** A word as it is compared: without case and accents. */
export function folded(word: string): string {
  return word
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
}

const before = 40
const length = 160
const word = /[\p{L}\p{N}\p{M}]+/gu
const longest = 20_000

/** The surroundings of the first word that fits, in pieces; the page draws them as text. */
export function piecesOf(text: string, words: ReadonlySet<string>): readonly Piece[] {
  const plain = text.slice(0, longest).replaceAll(/\s+/g, ' ')
  const hits = [...plain.matchAll(word)].filter(([found]) => words.has(folded(found)))
  const first = hits[0]?.index ?? 0
  const start = first <= before ? 0 : plain.indexOf(' ', first - before) + 1 || first
  const end = Math.min(plain.length, start + length)
  const pieces: Piece[] = start > 0 ? [{ text: '… ', isHit: false }] : []
  let at = start
  for (const { 0: found, index } of hits) {
    if (index < at || index + found.length > end) continue
    if (index > at) pieces.push({ text: plain.slice(at, index), isHit: false })
    pieces.push({ text: found, isHit: true })
    at = index + found.length
  }
  if (at < end) pieces.push({ text: plain.slice(at, end) + (end < plain.length ? ' …' : ''), isHit: false })
  return pieces
}
