/** An address of a peer by its ends; any other name as it is. */
export function shortName(provider: string): string {
  return /^0x[0-9a-f]{40}$/i.test(provider) ? `${provider.slice(0, 6)}…${provider.slice(-4)}` : provider
}
