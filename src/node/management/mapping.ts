import { type JsonDocument, ParleyError } from '../../core/index.ts'

export interface MappedTarget {
  readonly provider?: string
  readonly model?: string
}

/** Every target of a mapping, whatever else is in it. */
export function targetsIn(mapping: JsonDocument): MappedTarget[] {
  return Object.values(mapping).flatMap(entry => {
    const targets = Object(entry).targets as unknown
    return Array.isArray(targets) ? (targets.map(Object) as MappedTarget[]) : []
  })
}

/** Refuses names that no provider has. One that is sold by a peer may come later: its name is an address. */
export function checkTargets(mapping: JsonDocument, names: readonly string[]): void {
  const known = new Set(names.map(name => name.toLowerCase()))
  for (const { provider } of targetsIn(mapping)) {
    if (provider === undefined || known.has(provider.toLowerCase()) || /^0x[0-9a-f]{40}$/i.test(provider)) continue
    const message = `mapping: no provider is called ${provider}; see the list of providers`
    throw new ParleyError('invalid_request', message, { param: 'mapping' })
  }
}
