import { readFile } from 'node:fs/promises'
import { type Address, ParleyError, type ProviderEntry } from '../core/index.ts'
import { hasErrorCode, writeAtomically } from './files.ts'
import type { ResolvedChainSettings } from './settings.ts'

/** The registry as it was read last. */
export interface RegistrySnapshot {
  readonly entries: ReadonlyMap<Address, ProviderEntry>
  readonly blockNumber: bigint
  /** Unix milliseconds. */
  readonly readAt: number
}

/** The snapshot on disk; undefined when there is none, or one of another chain, registry or format. */
export async function loadSnapshot(
  path: string,
  settings: ResolvedChainSettings,
): Promise<RegistrySnapshot | undefined> {
  const file = await parsed(path)
  if (file?.version !== formatVersion) return undefined
  if (file.chainId !== String(settings.chainId) || file.registry !== settings.registry) return undefined
  try {
    const entries = file.providers.map(entryOfRow)
    return {
      entries: new Map(entries.map(entry => [entry.provider, entry])),
      blockNumber: BigInt(file.blockNumber),
      readAt: Number(file.readAt),
    }
  } catch {
    // A damaged cache is no cache: the chain is read again.
    return undefined
  }
}

export async function saveSnapshot(
  path: string,
  settings: ResolvedChainSettings,
  snapshot: RegistrySnapshot,
): Promise<void> {
  const file: CacheFile = {
    version: formatVersion,
    chainId: String(settings.chainId),
    registry: settings.registry,
    blockNumber: String(snapshot.blockNumber),
    readAt: snapshot.readAt,
    providers: [...snapshot.entries.values()].map(rowOfEntry),
  }
  try {
    await writeAtomically(path, JSON.stringify(file), { mayReplace: true })
  } catch (cause) {
    const code = hasErrorCode(cause, 'ENOSPC') ? 'disk_full' : 'internal'
    throw new ParleyError(code, `the registry cache ${path} cannot be written; check the folder`, { cause })
  }
}

const formatVersion = 1
const fileBytesMax = 64 * 2 ** 20

interface CacheFile {
  version: number
  chainId: string
  registry: string
  blockNumber: string
  readAt: number
  providers: Row[]
}

type Row = ReturnType<typeof rowOfEntry>

async function parsed(path: string): Promise<CacheFile | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > fileBytesMax) return undefined
    const file: unknown = JSON.parse(text)
    return typeof file === 'object' && file !== null && 'version' in file ? (file as CacheFile) : undefined
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOENT') || cause instanceof SyntaxError) return undefined
    throw new ParleyError('internal', `the registry cache ${path} cannot be read; check its owner`, { cause })
  }
}

function rowOfEntry(entry: ProviderEntry) {
  return {
    ...entry,
    stake: String(entry.stake),
    exitAt: entry.exitAt === undefined ? null : String(entry.exitAt),
    offers: entry.offers.map(offer => ({
      ...offer,
      priceIn: String(offer.priceIn),
      priceOut: String(offer.priceOut),
      expiresAt: String(offer.expiresAt),
    })),
  }
}

function entryOfRow(row: Row): ProviderEntry {
  return {
    ...row,
    stake: BigInt(row.stake),
    exitAt: row.exitAt === null ? undefined : BigInt(row.exitAt),
    offers: row.offers.map(offer => ({
      ...offer,
      priceIn: BigInt(offer.priceIn),
      priceOut: BigInt(offer.priceOut),
      expiresAt: BigInt(offer.expiresAt),
    })),
  }
}
