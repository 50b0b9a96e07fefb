import { type ConnectionEntry, isEntry, keepEntry, useConnections } from '../connections/connections.ts'
import { type Sealed, seal, unseal } from '../sealed.ts'
import { holdSecret, keepSecret, secretOf, secretsOf, useVault } from '../vault.ts'

/** Connections with their keys, for a file; under a passphrase of its own. Keys that are locked are not in it. */
export async function sealConnections(passphrase: string): Promise<Sealed> {
  const { entries } = useConnections.getState()
  const secrets = Object.fromEntries(entries.map(entry => [entry.id, secretOf(entry)]))
  return seal(passphrase, { entries, secrets })
}

/** Takes connections from a file; whether the passphrase opened them. Keys live until the tab closes where no vault is open. */
export async function takeConnections(passphrase: string, sealed: Sealed): Promise<boolean> {
  const opened = await unseal(passphrase, sealed)
  if (opened === undefined) return false
  const { entries, secrets } = (opened.value ?? {}) as { entries?: unknown; secrets?: unknown }
  const known = secretsOf(secrets)
  for (const entry of Array.isArray(entries) ? entries.filter(isEntry) : []) {
    const secret = known[entry.id]
    const isKept = useVault.getState().state === 'open'
    const id = idFor(entry)
    keepEntry({ ...entry, id, kept: secret === undefined ? entry.kept : isKept ? 'vault' : 'memory' })
    if (secret !== undefined) await (isKept ? keepSecret(id, secret) : holdSecret(id, secret))
  }
  return true
}

/** A file does not move a connection of ours: the key it has here would go to another address. */
function idFor({ id, baseUrl, proxyUrl }: ConnectionEntry): string {
  const there = useConnections.getState().entries.find(entry => entry.id === id)
  const isSame = there === undefined || (there.baseUrl === baseUrl && there.proxyUrl === proxyUrl)
  return isSame ? id : crypto.randomUUID()
}
