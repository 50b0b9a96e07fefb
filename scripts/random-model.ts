import { mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type GgufHeader, readGguf } from '../src/backends/llama/gguf.ts'

const nano = fileURLToPath(new URL('./nano-model/parley-nano-q8_0.gguf', import.meta.url))

/** Half a billion parameters: what an answer of a model people use costs, without a download. */
const shape = {
  'llama.block_count': 20,
  'llama.embedding_length': 1_536,
  'llama.feed_forward_length': 4_096,
  'llama.attention.head_count': 24,
  'llama.attention.head_count_kv': 8,
  'llama.rope.dimension_count': 64,
} as const

interface Tensor {
  readonly name: string
  readonly dimensions: readonly number[]
  readonly isQuantised: boolean
}

/**
 * Writes a GGUF of random weights, q8_0, with the vocabulary and the template of the nano model: nonsense at the speed of
 * sense. The same bytes every time. Leaves a file that is there alone. Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function writeRandomModel(path: string): Promise<void> {
  if (await stat(path).catch(() => undefined)) return
  await mkdir(dirname(path), { recursive: true })
  const vocabulary = await readGguf(nano)
  const tensors = tensorsOf(Number(vocabulary.metadata.get('llama.vocab_size')))
  const header = encodeHeader(vocabulary, tensors)
  const file = await open(`${path}.part`, 'w')
  try {
    await file.write(padded(header))
    const noise = randomBlocks(1 << 15)
    for (const tensor of tensors) {
      for (let left = sizeOf(tensor); left > 0; ) {
        const bytes = tensor.isQuantised ? noise.subarray(0, Math.min(left, noise.length)) : ones(left / 4)
        await file.write(bytes)
        left -= bytes.length
      }
      await file.write(Buffer.alloc(-sizeOf(tensor) & 31))
    }
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
}

function tensorsOf(vocabulary: number): Tensor[] {
  const width = shape['llama.embedding_length']
  const inner = shape['llama.feed_forward_length']
  const keys = (width / shape['llama.attention.head_count']) * shape['llama.attention.head_count_kv']
  const matrix = (name: string, ...dimensions: number[]) => ({ name: `${name}.weight`, dimensions, isQuantised: true })
  const norm = (name: string) => ({ name: `${name}.weight`, dimensions: [width], isQuantised: false })
  const block = (at: number) => [
    norm(`blk.${at}.attn_norm`),
    norm(`blk.${at}.ffn_norm`),
    matrix(`blk.${at}.attn_q`, width, width),
    matrix(`blk.${at}.attn_k`, width, keys),
    matrix(`blk.${at}.attn_v`, width, keys),
    matrix(`blk.${at}.attn_output`, width, width),
    matrix(`blk.${at}.ffn_gate`, width, inner),
    matrix(`blk.${at}.ffn_up`, width, inner),
    matrix(`blk.${at}.ffn_down`, inner, width),
  ]
  const blocks = Array.from({ length: shape['llama.block_count'] }, (_, at) => block(at))
  return [matrix('token_embd', width, vocabulary), ...blocks.flat(), norm('output_norm')]
}

/** The nano model's metadata with other sizes, and these tensors. */
function encodeHeader({ bytes, ranges }: GgufHeader, tensors: readonly Tensor[]): Buffer {
  const metadataEnd = Math.max(...[...ranges.values()].map(([, end]) => end))
  const metadata = Buffer.from(bytes.subarray(0, metadataEnd))
  for (const [key, value] of Object.entries(shape)) metadata.writeUInt32LE(value, ranges.get(key)![0])
  metadata.writeBigUInt64LE(BigInt(tensors.length), 8)
  let offset = 0
  const infos = tensors.map(tensor => {
    const info = encodeTensor(tensor, offset)
    offset += sizeOf(tensor) + (-sizeOf(tensor) & 31)
    return info
  })
  return Buffer.concat([metadata, ...infos])
}

function encodeTensor({ name, dimensions, isQuantised }: Tensor, offset: number): Buffer {
  const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
  const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer)
  const type = isQuantised ? 8 : 0
  return Buffer.concat([
    ...[u64(name.length), Buffer.from(name), u32(dimensions.length), ...dimensions.map(u64)],
    ...[u32(type), u64(offset)],
  ])
}

function sizeOf({ dimensions, isQuantised }: Tensor): number {
  const values = dimensions.reduce((a, b) => a * b, 1)
  return isQuantised ? (values / 32) * blockBytes : values * 4
}

/** A q8_0 block: a scale in half precision, then 32 weights of a byte. */
const blockBytes = 34
const scale = 0x0d1b // 0.0003 in half precision

function randomBlocks(count: number): Buffer {
  const blocks = Buffer.alloc(count * blockBytes)
  let state = 20_261_121
  for (let at = 0; at < blocks.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    blocks[at] = state >>> 24
  }
  for (let at = 0; at < blocks.length; at += blockBytes) blocks.writeUInt16LE(scale, at)
  return blocks
}

function ones(count: number): Buffer {
  return Buffer.from(new Float32Array(count).fill(1).buffer)
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 31)])
}

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true })
  const path = positionals[0] ?? '.parley/random-500m-q8_0.gguf'
  await writeRandomModel(path)
  process.stdout.write(`${path}\n`)
}
