type Fields = Record<string, unknown>

/** Adds one field of a delta to the message it belongs to. Nothing is taken back: a null or missing value says nothing. */
export function mergeField(message: Fields, field: string, value: unknown): void {
  if (value === undefined || value === null) return
  if (field === 'role') message.role = value
  else message[field] = merged(message[field], value, field)
}

function merged(known: unknown, value: unknown, field: string): unknown {
  if (typeof value === 'string') return Array.isArray(known) ? [...known, textPart(value)] : joined(known, value, field)
  if (Array.isArray(value)) return [...asParts(known), ...value]
  if (!isFields(value)) return value
  const all = isFields(known) ? { ...known } : {}
  for (const [name, part] of Object.entries(value)) mergeField(all, name, part)
  return all
}

/** Text is said in pieces, names are said once, though some servers say them every time. */
function joined(known: unknown, value: string, field: string): string {
  if (typeof known !== 'string') return value
  if (field === 'id') return known
  return field === 'name' && known === value ? known : known + value
}

/** Content is text for most servers, parts for some, and both in one stream for a few. */
function asParts(known: unknown): unknown[] {
  if (Array.isArray(known)) return known
  return typeof known === 'string' && known !== '' ? [textPart(known)] : []
}

function textPart(text: string): unknown {
  return { type: 'text', text }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
