import type { Call, Random } from '../core/index.ts'

/**
 * The sampling seed a receipt names, which is the one the backend gets. It is the app's own where the request has one,
 * else the user's draw, sent beside the request. Samplers that take 64 bits and those that take 32 signed ones read the
 * same number: draws stay below 2^31.
 */
export function drawSeed(random: Random): bigint {
  return BigInt(Buffer.from(random.bytes(4)).readUInt32BE() >>> 1)
}

/** The seed in the request itself; as a receipt holds no sign, a negative one is its two's complement. */
export function ownSeed(call: Call): bigint | undefined {
  if (!isSampled(call) || call.body.seed == null) return undefined
  return BigInt.asUintN(64, BigInt(call.body.seed))
}

/** The user's draw as it comes in a header; undefined when it is absent or no number that JSON carries exactly. */
export function readSeed(header: string | undefined): bigint | undefined {
  if (header === undefined || !/^\d{1,16}$/.test(header)) return undefined
  const seed = BigInt(header)
  return seed <= BigInt(Number.MAX_SAFE_INTEGER) ? seed : undefined
}

/** The call as the backend gets it: what samples does so with the seed of the receipt. */
export function withSeed(call: Call, seed: bigint): Call {
  if (!isSampled(call) || call.body.seed != null) return call
  return { ...call, body: { ...call.body, seed: Number(seed) } } as Call
}

function isSampled(call: Call): call is Call<'chat' | 'completion'> {
  return call.task === 'chat' || call.task === 'completion'
}
