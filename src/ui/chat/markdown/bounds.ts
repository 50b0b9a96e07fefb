/** Bounds of what is drawn as Markdown: beyond them it is a text, which nothing can be wrong with. */

/** Characters of an answer that is still being written. */
export const streamedMax = 200_000
/** Characters of a whole answer that nobody asked to be drawn. */
export const drawnMax = 200_000
/** Quotes and lists within each other. */
const depthMax = 50
const spacesPerLevel = 2
/** Marks in a row that parsers go back over again and again. */
const runOfMarks = /[[\]*_~!(]{400}|(?:\]\(|\*_|_\*|\[!){200}/
const columnsMax = 200

/** Whether a parser, or what draws its tree, could choke on a text. */
export function isTooDeep(text: string): boolean {
  if (runOfMarks.test(text)) return true
  for (const line of text.split('\n')) {
    if (levelsOf(line) > depthMax || isTooWide(line)) return true
  }
  return false
}

const containers = /^(?:\s*(?:>|[-+*](?=\s)|\d{1,9}[.)](?=\s)))+/

function levelsOf(line: string): number {
  const [marks] = containers.exec(line) ?? []
  if (marks === undefined) return 0
  const indent = line.length - line.trimStart().length
  return marks.split(/>|[-+*]|\d+[.)]/).length - 1 + Math.floor(indent / spacesPerLevel)
}

function isTooWide(line: string): boolean {
  if (line.length < columnsMax) return false
  let bars = 0
  for (const letter of line) if (letter === '|' && ++bars > columnsMax) return true
  return false
}

/** What has to be loaded to draw a text. */
export interface Needs {
  readonly code: boolean
  readonly math: boolean
}

export function needsOf(text: string): Needs {
  return { code: /^ {0,3}(?:```|~~~)/m.test(text), math: text.includes('$$') || /\\[([]/.test(text) }
}

/** Formulas in the brackets of TeX become those of Markdown; within code nothing changes. */
export function withDollars(text: string): string {
  if (!/\\[([]/.test(text)) return text
  return text
    .split(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)/)
    .map((part, at) =>
      at % 2 === 1
        ? part
        : part
            .replaceAll(/\\\[([\s\S]{1,5000}?)\\\]/g, (_, formula: string) => `$$\n${formula.trim()}\n$$`)
            .replaceAll(/\\\(([^\n]{1,1000}?)\\\)/g, (_, formula: string) => `$$${formula}$$`),
    )
    .join('')
}
