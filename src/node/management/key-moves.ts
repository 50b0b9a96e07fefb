import { type Actor, ParleyError, type ProviderRow } from '../../core/index.ts'

type Place = Pick<ProviderRow, 'provider' | 'config'>

/** Says that the key is in a variable of the node. */
export const reference = 'env:'

/** Whether the same key would be shown to somebody else than before. */
export function isElsewhere(one: Place, other: Place): boolean {
  return placeOf(one) !== placeOf(other)
}

function placeOf({ provider, config: { url, region, resource } }: Place): string {
  const origin = typeof url === 'string' && URL.canParse(url) ? new URL(url).origin : null
  return JSON.stringify([provider, origin, region ?? null, resource ?? null])
}

/**
 * Whoever sets an address could have any key sent to his own server: one that is here already, in the store or in a
 * variable, goes to another address only by an admin.
 */
export function refuseMove({ role }: Actor, name: string): void {
  if (role === 'admin') return
  const message = `a key that is on this node would be sent to another address for ${name}; enter the key anew, or ask an admin`
  throw new ParleyError('forbidden', message, { param: 'key' })
}
