import { createServer, type Server } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'

/** A service that nobody outside may reach, on every address of this machine. */
export interface Secret {
  readonly port: number
  /** Connections that arrived, whatever was said on them. */
  readonly reached: () => number
  readonly close: () => Promise<void>
}

export async function startSecret(): Promise<Secret> {
  let connections = 0
  const server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(307, { location: '/there' }).end()
    else response.end('secret')
  })
  server.on('connection', () => connections++)
  await new Promise<void>(resolve => server.listen(0, '::', resolve))
  return { port: (server.address() as AddressInfo).port, reached: () => connections, close: () => closed(server) }
}

export async function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
}

/** An address that nobody has and nobody will: of the part of IPv6 that is given out, a block that is not. */
export const nobodysAddress = '2d00::1'

const loopbackHosts = [
  // Four numbers, and fewer.
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '127.000.000.001',
    '127.0.0.1.',
    '127.1.',
    '0.0.0.0',
    '0',
    '0.',
  ],
  // One number, in the three bases.
  ...['2130706433', '2130706433.', '0x7f000001', '0X7F000001', '017700000001', '0x7f000001.', '4294967295', '0x0'],
  // Bases mixed.
  ...['0x7f.1', '0x7f.0.0.1', '0177.0.0.1', '0177.1', '0x7f.0x0.0x0.0x1', '0177.0.0.01', '127.0x1', '127.0.0x0.01'],
  ...['00000177.0.0.1', '0x7f.0.1', '0177.0x0.0.1', '127.0.0.0x1', '0x00000000007f.1'],
  // IPv6, and IPv4 in it.
  ...[
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::0001]',
    '[0::1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[::]',
    '[0::0]',
  ],
  ...[
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:7f00:0001]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::FFFF:127.0.0.1]',
  ],
  ...[
    '[::127.0.0.1]',
    '[::7f00:1]',
    '[::ffff:0:127.0.0.1]',
    '[::ffff:0:7f00:1]',
    '[::ffff:0.0.0.0]',
    '[::ffff:127.1.1.1]',
  ],
  ...['[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[64:ff9b:1:ffff:ffff:ffff:7f00:1]'],
  ...['[2002:7f00:1::]', '[2002:7f00:1::1]', '[2001:0:7f00:1::1]', '[2001::80ff:fffe]', '[fe80::5efe:7f00:1]'],
  // Zones.
  ...['[::1%25lo]', '[::1%lo]', '[fe80::1%25eth0]', '[fe80::1%251]'],
  // Names of this machine.
  ...['localhost', 'LOCALHOST', 'LocalHost', 'localhost.', 'localhost..', 'a.localhost', 'x.y.localhost.'],
  ...['localhost.localdomain', 'ip6-localhost', 'ip6-loopback', '%6c%6f%63%61%6c%68%6f%73%74', 'loc%61lhost'],
  // Digits and dots of other scripts, which a URL turns into plain ones.
  ...['１２７.０.０.１', '①②⑦.⓪.⓪.①', '127。0。0。1', '127．0．0．1', '127｡0｡0｡1', '𝟏𝟐𝟕.𝟎.𝟎.𝟏', '２１３０７０６４３３'],
  ...[
    'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
    'ｌｏｃａｌｈｏｓｔ',
    'localhost。',
    '0ｘ7f.1',
    '127.0.0.1%E3%80%82',
    '%31%32%37.0.0.1',
    'l\u00adocalhost',
  ],
]

const privateHosts = [
  ...['10.0.0.1', '10.1', '0xa000001', '172.16.0.1', '172.31.255.254', '192.168.1.1', '192.168.257', '3232235777'],
  ...['100.64.0.1', '[fc00::1]', '[fd12:3456::1]', '[::ffff:10.0.0.1]', '[::ffff:c0a8:101]', '[fec0::1]'],
]

/** Never to be reached, even where the own network may be. */
export const neverHosts = [
  ...['169.254.169.254', '169.254.170.2', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518'],
  ...['[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]', '[fd00:ec2::254]', '[fd20:ce::254]'],
  ...['100.100.100.200', '168.63.129.16', '192.0.0.192', 'metadata.google.internal', 'METADATA.google.internal.'],
  ...['metadata', 'instance-data', '[fe80::a9fe:a9fe]', '169.254.169.254.', '１６９.２５４.１６９.２５４'],
  ...['224.0.0.1', '[ff02::1]', '255.255.255.255', '198.18.0.1', '192.0.2.1', '[2001:db8::1]', '240.0.0.1', '[100::1]'],
]

/** What each name says when it is asked; those with two lists say the first, then the second. */
const answers: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'inside.example': [['127.0.0.1']],
  'inside6.example': [['::1']],
  'mapped.example': [['::ffff:127.0.0.1']],
  'translated.example': [['64:ff9b::7f00:1']],
  'tunnel.example': [['2002:7f00:1::1']],
  'zone.example': [['fe80::1%lo']],
  'zero.example': [['0.0.0.0']],
  'office.example': [['10.0.0.1']],
  'cloud.example': [['169.254.169.254']],
  'cloud6.example': [['fd00:ec2::254']],
  'both.example': [[nobodysAddress, '127.0.0.1']],
  'both6.example': [[nobodysAddress, '::1']],
  'first-inside.example': [['127.0.0.1', nobodysAddress]],
  'compatible.example': [['::127.0.0.1']],
  'nonsense.example': [['no address']],
  'nothing.example': [[]],
  'rebinding.example': [[nobodysAddress], ['127.0.0.1']],
}
export const lyingNames = Object.keys(answers)

/** A name server of the attacker. */
export function lyingLookup(): LookupFunction {
  const asked = new Map<string, number>()
  return (name, _options, callback) => {
    const times = asked.get(name) ?? 0
    asked.set(name, times + 1)
    const lists = answers[name.replace(/\.$/, '')]
    const list = lists?.[Math.min(times, lists.length - 1)] ?? ['127.0.0.1']
    const found = list.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    setImmediate(() => callback(null, found))
  }
}

/** URLs that lead to the service, or would if nobody looked. */
export function hostileUrls(port: number): string[] {
  const hosts = [...loopbackHosts, ...privateHosts, ...neverHosts, ...lyingNames, 'inside.example.']
  const tricks = [
    ...[
      `http://example.com@127.0.0.1:${port}/`,
      `http://user:pass@localhost:${port}/`,
      `http://127.0.0.1:${port}#@a.com/`,
    ],
    ...[`http://a.com%40127.0.0.1:${port}/`, `http://127.0.0.1:${port}\\@example.com/`, `http:\\\\127.0.0.1:${port}/`],
    ...[
      `http:/127.0.0.1:${port}/`,
      `http:127.0.0.1:${port}/`,
      `http:///127.0.0.1:${port}/`,
      `HTTP://127.0.0.1:${port}/`,
    ],
    ...[` http://127.0.0.1:${port}/`, `http://127.0.0.1:${port}/?https://example.com`, `ht\ntp://127.0.0.1:${port}/`],
    ...[`http://127.0.\t0.1:${port}/`, `//127.0.0.1:${port}/`, `https://127.0.0.1:${port}/`, `https://[::1]:${port}/`],
    ...['file:///etc/passwd', `ftp://127.0.0.1:${port}/`, `gopher://127.0.0.1:${port}/_x`, 'data:text/plain,x'],
    ...[`ws://127.0.0.1:${port}/`, 'javascript:1', `dict://127.0.0.1:${port}/`, `blob:http://127.0.0.1:${port}/x`],
    ...[
      '',
      'http://',
      'http://:80/',
      'http://[',
      'http://[::1',
      `http://[127.0.0.1]:${port}/`,
      'unix:/var/run/docker.sock',
    ],
  ]
  return [...hosts.map(host => `http://${host}:${port}/`), ...tricks]
}
