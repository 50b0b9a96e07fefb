import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'

/** An IPv4 address that is written as IPv6 (`::ffff:…`) is met by the rules for IPv4. */
const privateNetworks = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
]

/** Networks in CIDR form as a list to check addresses against; throws on one that is not. */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}

const privateList = networkList(privateNetworks)

/** Whether an address leads into the own network, by its number or by what its name resolves to now. */
export async function leadsToPrivate(address: Multiaddr): Promise<boolean> {
  const host = address.getComponents()[0]?.value ?? ''
  const numbers = isIP(host) ? [host] : (await lookup(host, { all: true })).map(found => found.address)
  return numbers.some(number => privateList.check(number, isIPv6(number) ? 'ipv6' : 'ipv4'))
}
