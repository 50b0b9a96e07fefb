/** What is wrong with what somebody has entered; the words are below `storage.connections.problems`. */
export type AddressProblem = 'url' | 'scheme' | 'secret'

/** Of a base URL or a proxy. */
export function addressProblem(text: string): AddressProblem | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'url'
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return 'secret'
  const isHere = url.hostname === 'localhost' || url.hostname === '127.0.0.1'
  return url.protocol === 'http:' && !isHere ? 'scheme' : undefined
}

/** Set by the browser, by the proxy, or from the key. */
const forbidden = /^(?:authorization|content-type|content-length|cookie|host|origin|referer|sec-.*|proxy-.*)$/i

/** `Name: value` in lines; undefined names the line that is none, or the header that is not allowed. */
export function parseHeaders(
  text: string,
): { headers: Record<string, string> } | { problem: 'header' | 'forbidden'; name: string } {
  const headers: Record<string, string> = {}
  for (const line of text.split('\n').filter(each => each.trim() !== '')) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e]+?)\s*$/.exec(line.trim()) ?? []
    if (name === undefined || value === undefined) return { problem: 'header', name: '' }
    if (forbidden.test(name)) return { problem: 'forbidden', name }
    headers[name.toLowerCase()] = value
  }
  return { headers }
}

export function writeHeaders(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
}

export const presets = {
  openai: { name: 'OpenAI', baseUrl: 'https://api.openai.com/v1', needsKey: true },
  openrouter: { name: 'OpenRouter', baseUrl: 'https://openrouter.ai/api/v1', needsKey: true },
  ollama: { name: 'Ollama', baseUrl: 'http://localhost:11434/v1', needsKey: false },
  parley: { name: 'Parley', baseUrl: 'http://127.0.0.1:7275/v1', needsKey: true },
  other: { name: '', baseUrl: '', needsKey: true },
} as const

export type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as readonly PresetName[]
