import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ConnectionEncrypter, SecuredConnection } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, onTestFinished, test } from 'vitest'
import { swift } from '../../src/p2p/wire-speed.ts'
import { startProvider } from './nodes.ts'

/** A peer whose encrypter is `wrap(noise)`; dials the node and returns the secured connection. */
async function secured(wrap: (encrypter: ConnectionEncrypter) => ConnectionEncrypter) {
  const provider = await startProvider()
  const made: SecuredConnection[] = []
  const peer = await createLibp2p({
    transports: [tcp()],
    streamMuxers: [yamux()],
    connectionEncrypters: [
      components => {
        const inner = wrap(noise()(components))
        return {
          protocol: inner.protocol,
          secureInbound: (stream, options) => inner.secureInbound(stream, options),
          secureOutbound: async (stream, options) => {
            const connection = await inner.secureOutbound(stream, options)
            made.push(connection)
            return connection
          },
        }
      },
    ],
  })
  onTestFinished(async () => void (await peer.stop()))
  await peer.dial(multiaddr(provider.addresses()[0]!))
  return made[0]!.connection as unknown as { decoder: { lengthDecoder: (bytes: Uint8Array) => number } }
}

function thrownBy(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

test('this release of libp2p makes a stack trace for every packet, and the swift one makes none', async () => {
  const plain = (await secured(encrypter => encrypter)).decoder
  const quick = (await secured(swift)).decoder
  const nothing = new Uint8Array(0)
  expect(thrownBy(() => plain.lengthDecoder(nothing))).not.toBe(thrownBy(() => plain.lengthDecoder(nothing)))
  expect(thrownBy(() => quick.lengthDecoder(nothing))).toBeInstanceOf(RangeError)
  expect(thrownBy(() => quick.lengthDecoder(nothing))).toBe(thrownBy(() => quick.lengthDecoder(nothing)))
  expect(quick.lengthDecoder(new Uint8Array([1, 2]))).toBe(plain.lengthDecoder(new Uint8Array([1, 2])))
})

test('a handshake with a peer whose libp2p is not changed works', async () => {
  expect(await secured(encrypter => encrypter)).toBeDefined()
})
