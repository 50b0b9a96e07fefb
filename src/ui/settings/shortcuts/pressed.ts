const modifiers = ['Control', 'Meta', 'Alt', 'Shift', 'AltGraph', 'CapsLock']
const isMac = /mac/i.test(navigator.platform)

/** What was pressed, as tinykeys writes it: `$mod+Shift+k`. Undefined while there are modifiers alone. */
export function pressed(event: KeyboardEvent): string | undefined {
  if (modifiers.includes(event.key) || event.isComposing) return undefined
  const isMod = isMac ? event.metaKey : event.ctrlKey
  return [
    isMod && '$mod',
    isMac && event.ctrlKey && 'Control',
    event.altKey && 'Alt',
    event.shiftKey && 'Shift',
    keyOf(event),
  ]
    .filter(part => part !== false)
    .join('+')
}

/** Letters and digits by what is printed on them, others by where they are: with Shift or Alt they say something else. */
function keyOf({ key, code }: KeyboardEvent): string {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase()
  const [, letter] = /^(?:Key|Digit)(.)$/.exec(code) ?? []
  return letter?.toLowerCase() ?? (code === '' ? key : code)
}

/** Keys that write something would be lost for writing. */
export function isPlain(keys: string): boolean {
  const parts = keys.split('+')
  if (parts.includes('$mod') || parts.includes('Alt') || parts.includes('Control')) return false
  return !/^(?:F\d{1,2}|Escape|Insert|Pause|ScrollLock)$/.test(parts.at(-1) ?? '')
}
