import ipaddr from 'ipaddr.js'

/**
 * Where an address leads: to anybody's server, to this machine or a network nobody else can reach, or where no server is
 * ever meant to be, such as the metadata service of a cloud or an address of IPv4 in disguise.
 */
export type Reach = 'public' | 'private' | 'never'

export interface ReachRule {
  /** Whether this machine and its own network may be reached. */
  readonly allowPrivate: boolean
}

/** Metadata services that stand among addresses that are otherwise private or public. */
const metadataAddresses = new Set([
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:42::42',
])
const metadataNames = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'instance-data',
  'instance-data.ec2.internal',
])
const ownNames = new Set(['localhost', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback'])
const privateRanges = new Set(['loopback', 'private', 'carrierGradeNat', 'uniqueLocal'])

/** Of an address of IPv4 or IPv6 in any notation; what is none leads nowhere. */
export function reachOf(address: string): Reach {
  const [bare = ''] = address.split('%')
  if (!ipaddr.isValid(bare)) return 'never'
  // An address of IPv4 that is written as one of IPv6 is what it says.
  const parsed = ipaddr.process(bare)
  if (metadataAddresses.has(parsed.toString())) return 'never'
  const range = parsed.range()
  if (privateRanges.has(range)) return 'private'
  return range === 'unicast' && isGlobal(parsed) ? 'public' : 'never'
}

/** Of IPv6 only an eighth is given out; the rest holds IPv4 in forms that translators understand. */
function isGlobal(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (!(address instanceof ipaddr.IPv6)) return true
  const [first = 0] = address.parts
  return first >= 0x2000 && first < 0x4000
}

/** Of a host as it stands in a URL; `name` for one that has to be looked up first. */
export function hostReach(host: string): Reach | 'name' {
  const bare = host.replace(/^\[|\]$/g, '').replace(/\.+$/, '')
  if (bare === '') return 'never'
  if (bare.includes(':') || ipaddr.isValid(bare)) return reachOf(bare)
  const name = bare.toLowerCase()
  if (metadataNames.has(name)) return 'never'
  return ownNames.has(name) || name.endsWith('.localhost') ? 'private' : 'name'
}

export function isRefused(reach: Reach | 'name', { allowPrivate }: ReachRule): boolean {
  return reach === 'never' || (reach === 'private' && !allowPrivate)
}

/** Why a URL may not be fetched, as far as can be told without looking up its name; undefined for one that may. */
export function urlFault(url: string | URL, rule: ReachRule): string | undefined {
  if (!URL.canParse(String(url))) return 'it is no URL; write https://…'
  const { protocol, hostname, username, password } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return 'it is no http address'
  if (username !== '' || password !== '') return 'it holds a user name or password'
  return isRefused(hostReach(hostname), rule) ? `it leads to ${hostname.replace(/^\[|\]$/g, '')}` : undefined
}
