import { ParleyError } from '../../core/index.ts'
import type { Json, Tree } from './app.ts'
import { isTree } from './quote.ts'

/** A value and where in the text it stands. */
interface Node {
  readonly start: number
  readonly end: number
  readonly value: Json
  /** Of an object, in the order of the text. */
  readonly members?: readonly Member[]
  /** Behind the comma after the last member, if there is one. */
  readonly commaEnd?: number | undefined
}

interface Member {
  readonly name: string
  readonly start: number
  readonly node: Node
}

const depthMax = 64

/** JSON with the comments and trailing commas that editors allow in their settings. Throws `conflict`. */
export function parseJsonc(text: string): Json {
  return new Reader(text).document().value
}

/**
 * The text with these values in it, objects merged member by member. Only the values that differ are written; every other
 * byte, comments included, stays. Throws `conflict` where that cannot be done.
 */
export function mergeJsonc(text: string, values: Tree): string {
  const root = new Reader(text).document()
  if (!isTree(root.value)) throw unreadable('is not an object')
  const unit = /^(?: +|\t+)/m.exec(text)?.[0] ?? '  '
  const edits = editsOf({ text, unit }, root, values, '')
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce((result, { start, end, by }) => result.slice(0, start) + by + result.slice(end), text)
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly by: string
}

interface Style {
  readonly text: string
  readonly unit: string
}

function editsOf(style: Style, node: Node, values: Tree, indent: string): Edit[] {
  const members = node.members ?? []
  const inner = indentOf(style, members[0]) ?? indent + style.unit
  const missing: string[] = []
  const edits: Edit[] = []
  for (const [name, value] of Object.entries(values)) {
    const there = members.findLast(member => member.name === name)?.node
    if (there === undefined) missing.push(`${inner}${JSON.stringify(name)}: ${shown(style, value, inner)}`)
    else if (isTree(value) && isTree(there.value)) edits.push(...editsOf(style, there, value, inner))
    else if (!isSame(there.value, value)) edits.push({ ...there, by: shown(style, value, inner) })
  }
  return missing.length === 0 ? edits : [...edits, ...additions(style, node, missing, indent)]
}

/** New members behind the last one, and behind the comment that may stand on its line. */
function additions(
  { text }: Style,
  { start, members = [], commaEnd }: Node,
  missing: readonly string[],
  indent: string,
) {
  const lines = missing.join(',\n')
  const last = members.at(-1)?.node
  if (last === undefined) return [{ start: start + 1, end: start + 1, by: `\n${lines}\n${indent}` }]
  const behind = lineEnd(text, commaEnd ?? last.end)
  if (commaEnd !== undefined) return [{ start: behind, end: behind, by: `\n${lines},` }]
  if (behind === last.end) return [{ start: behind, end: behind, by: `,\n${lines}` }]
  return [
    { start: last.end, end: last.end, by: ',' },
    { start: behind, end: behind, by: `\n${lines}` },
  ]
}

function lineEnd(text: string, from: number): number {
  const comment = /[ \t]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\r\n])*\*\/)/y
  comment.lastIndex = from
  return comment.test(text) ? comment.lastIndex : from
}

/** The indentation of a member that begins its line. */
function indentOf({ text }: Style, member: Member | undefined): string | undefined {
  if (member === undefined) return undefined
  return /(?:^|\n)([ \t]*)$/.exec(text.slice(0, member.start))?.[1]
}

function shown({ unit }: Style, value: Json, indent: string): string {
  return JSON.stringify(value, null, unit).replaceAll('\n', `\n${indent}`)
}

/** Equal whatever the order of members. */
export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: Json | undefined): string | undefined {
  return JSON.stringify(value, (_name, field: Json) =>
    isTree(field) ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1))) : field,
  )
}

function unreadable(why: string): ParleyError {
  return new ParleyError('conflict', `it ${why}`)
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): Node {
    const root = this.#value(0)
    this.#skip()
    if (this.#at < this.#text.length) throw this.#unexpected()
    return root
  }

  #value(depth: number): Node {
    if (depth > depthMax) throw unreadable(`is nested deeper than ${depthMax}`)
    this.#skip()
    const start = this.#at
    if (this.#take('{')) return this.#object(start, depth)
    if (this.#take('[')) return this.#array(start, depth)
    const match = this.#match(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y)
    return { start, end: this.#at, value: this.#scalar(match) }
  }

  #object(start: number, depth: number): Node {
    const members: Member[] = []
    for (;;) {
      this.#skip()
      const commaEnd = this.#comma(members.length > 0)
      this.#skip()
      if (this.#take('}')) {
        const value = Object.fromEntries(members.map(({ name, node }) => [name, node.value]))
        return { start, end: this.#at, value, members, commaEnd }
      }
      if (members.length > 0 && commaEnd === undefined) throw this.#unexpected()
      const at = this.#at
      const name = this.#scalar(this.#match(/"(?:[^"\\]|\\.)*"/y)) as string
      this.#skip()
      if (!this.#take(':')) throw this.#unexpected()
      members.push({ name, start: at, node: this.#value(depth + 1) })
    }
  }

  #array(start: number, depth: number): Node {
    const items: Json[] = []
    for (;;) {
      this.#skip()
      const commaEnd = this.#comma(items.length > 0)
      this.#skip()
      if (this.#take(']')) return { start, end: this.#at, value: items }
      if (items.length > 0 && commaEnd === undefined) throw this.#unexpected()
      items.push(this.#value(depth + 1).value)
    }
  }

  /** Where the comma ends, if one is allowed and there. */
  #comma(isAllowed: boolean): number | undefined {
    return isAllowed && this.#take(',') ? this.#at : undefined
  }

  #take(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false
    this.#at++
    return true
  }

  #skip(): void {
    const space = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y
    space.lastIndex = this.#at
    space.test(this.#text)
    this.#at = space.lastIndex
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) throw this.#unexpected()
    this.#at = pattern.lastIndex
    return match[0]
  }

  #scalar(text: string): Json {
    try {
      return JSON.parse(text) as Json
    } catch {
      throw this.#unexpected()
    }
  }

  #unexpected(): ParleyError {
    const line = this.#text.slice(0, this.#at).split('\n').length
    return unreadable(`cannot be read as JSON at line ${line}`)
  }
}
