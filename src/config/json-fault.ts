/**
 * Where a text stops being JSON, counted from 0; undefined for a text that is. Engines tell a place only for some mistakes,
 * and then quote what stands there, which may be a secret.
 */
export function jsonFault(text: string): number | undefined {
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) at += found[0].length
    return found !== null
  }
  const list = (entry: () => boolean, end: RegExp): boolean => {
    if (take(end)) return true
    do if (!entry()) return false
    while (take(comma))
    return take(end)
  }
  const value = (): boolean => {
    take(space)
    const isValue = take(openBrace)
      ? list(() => take(name) && value(), closeBrace)
      : take(openBracket)
        ? list(value, closeBracket)
        : take(scalar)
    return isValue && take(space)
  }
  return value() && at === text.length ? undefined : at
}

const space = /[ \t\r\n]*/y
const comma = /,[ \t\r\n]*/y
const openBrace = /\{[ \t\r\n]*/y
const closeBrace = /\}/y
const openBracket = /\[[ \t\r\n]*/y
const closeBracket = /\]/y
const name = /[ \t\r\n]*"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"[ \t\r\n]*:/uy
const scalar =
  /"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy
