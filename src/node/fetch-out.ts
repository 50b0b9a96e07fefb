import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { ParleyError } from '../core/index.ts'
import type { FetchOut } from '../telemetry/index.ts'

export interface FetchOutOptions {
  /** Whether an address may lead into the own network or to this machine. */
  readonly allowPrivate: boolean
}

/** This machine and networks nobody else can reach. */
const privateNetworks = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
]
/** Never meant: addresses of IPv4 in disguise, metadata services of clouds, groups, what is reserved. */
const strangeNetworks = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '198.18.0.0/15',
  '224.0.0.0/3',
  '::/128',
  '64:ff9b::/32',
  '100::/64',
  '2001::/23',
  '2002::/16',
  'fe80::/10',
  'ff00::/8',
]

/**
 * Fetches from addresses an operator has named, unless they lead where nobody meant: no redirect is followed, and neither
 * clouds' metadata nor, unless it is allowed, the own network is reached. Throws `forbidden` for what it refuses.
 */
export function createFetchOut(options: FetchOutOptions): FetchOut {
  const findFault = createAddressCheck(options)
  return async (url, init) => {
    const fault = await findFault(url)
    if (fault !== undefined) throw refusal(`${fault}; see alerts.webhookPrivate`)
    return fetch(url, { ...init, redirect: 'error' })
  }
}

/** Says why an address may not be fetched; undefined for one that may. Throws `backend_failed` for a name nobody knows. */
export function createAddressCheck({ allowPrivate }: FetchOutOptions): (url: string) => Promise<string | undefined> {
  const refused = listOf([...strangeNetworks, ...(allowPrivate ? [] : privateNetworks)])
  return async url => {
    const { hostname, protocol } = new URL(url)
    if (!/^https?:$/.test(protocol)) return 'it is no http address'
    const host = hostname.replace(/^\[|\]$/g, '')
    const addresses = isIP(host) ? [host] : await addressesOf(host)
    const wrong = addresses.find(address => refused.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'))
    return wrong === undefined ? undefined : `it leads to ${wrong}`
  }
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (cause) {
    throw new ParleyError('backend_failed', `the name ${host} cannot be resolved; check the address`, { cause })
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/')
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return list
}

function refusal(why: string): ParleyError {
  return new ParleyError('forbidden', `the address may not be fetched: ${why}`)
}
