import { open } from 'node:fs/promises'
import { ParleyError } from '../../core/index.ts'
import { GgufCursor, NeedMoreBytes, refuse } from './gguf-cursor.ts'
import { tensorBytes, tensorTypeName } from './gguf-types.ts'

/** A value of the metadata. Arrays stay where they are in the header until somebody asks: a vocabulary has 150,000 strings. */
export type GgufValue = string | number | bigint | boolean | GgufArray

export interface GgufArray {
  readonly elementType: number
  readonly count: number
  /** Where the first element starts, counted from the beginning of the file. */
  readonly at: number
}

export interface GgufTensor {
  readonly name: string
  readonly dimensions: readonly number[]
  readonly type: string
  readonly sizeBytes: number
}

/** What the beginning of a GGUF file says, checked for sense before native code sees the file. */
export interface GgufHeader {
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly GgufTensor[]
  readonly parameters: number
  /** The header's bytes: arrays and the ranges of the metadata's values point into them. */
  readonly bytes: Buffer
  readonly ranges: ReadonlyMap<string, readonly [start: number, end: number]>
}

const limits = { metadata: 65_536, tensors: 100_000, headerBytes: 512 * 1024 * 1024, firstRead: 4 * 1024 * 1024 }
const utf8ArrayType = 8
const nestedArrayType = 9

/**
 * Reads and checks the header of a GGUF file: magic, version, counts, lengths, nesting, tensor shapes, and that every
 * tensor lies inside the file. Throws `invalid_request` for a file that is not a sound GGUF.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function readGguf(path: string): Promise<GgufHeader> {
  const file = await open(path, 'r').catch(cause => {
    throw new ParleyError('not_found', `the model file ${path} cannot be opened; pull it with \`parley pull\``, {
      cause,
    })
  })
  try {
    const { size } = await file.stat()
    for (let length = limits.firstRead; ; length *= 4) {
      const wanted = Math.min(length, size, limits.headerBytes)
      const buffer = Buffer.alloc(wanted)
      const { bytesRead } = await file.read(buffer, 0, wanted, 0)
      const header = tryParse(buffer.subarray(0, bytesRead), size)
      if (header !== undefined) return header
      if (wanted < length) throw refuse('the header does not end within the file')
    }
  } finally {
    await file.close()
  }
}

/** The header in `bytes`, the beginning of a file of `fileSize` bytes. */
export function parseGguf(bytes: Buffer, fileSize: number): GgufHeader {
  const header = tryParse(bytes, fileSize)
  if (header === undefined) throw refuse('the header does not end within the file')
  return header
}

/** The strings of an array of the metadata; undefined when the key is missing or something else. */
export function stringsOf(header: GgufHeader, key: string, wanted?: ReadonlySet<number>): string[] | undefined {
  const array = header.metadata.get(key)
  if (typeof array !== 'object' || array.elementType !== utf8ArrayType) return undefined
  const cursor = new GgufCursor(header.bytes, header.bytes.length, array.at)
  const strings: string[] = []
  for (let index = 0; index < array.count; index++) {
    if (wanted === undefined || wanted.has(index)) strings.push(cursor.string())
    else cursor.skipString()
  }
  return strings
}

/** The numbers of an array of 32-bit integers. */
export function integersOf(header: GgufHeader, key: string): Int32Array | undefined {
  const array = header.metadata.get(key)
  if (typeof array !== 'object' || (array.elementType !== 5 && array.elementType !== 4)) return undefined
  const values = new Int32Array(array.count)
  for (let index = 0; index < array.count; index++) values[index] = header.bytes.readInt32LE(array.at + index * 4)
  return values
}

function tryParse(bytes: Buffer, fileSize: number): GgufHeader | undefined {
  try {
    return parse(new GgufCursor(bytes, fileSize))
  } catch (cause) {
    if (cause instanceof NeedMoreBytes) return undefined
    throw cause
  }
}

function parse(cursor: GgufCursor): GgufHeader {
  if (cursor.u32() !== 0x46554747) throw refuse('it does not begin with GGUF')
  const version = cursor.u32()
  if (version !== 2 && version !== 3) throw refuse(`its version is ${version}, this node reads 2 and 3`)
  const tensorCount = cursor.count(limits.tensors, 'tensors')
  const metadataCount = cursor.count(limits.metadata, 'metadata entries')
  const metadata = new Map<string, GgufValue>()
  const ranges = new Map<string, readonly [number, number]>()
  for (let entry = 0; entry < metadataCount; entry++) {
    const key = cursor.string(65_535)
    if (metadata.has(key)) throw refuse('a metadata key appears twice')
    const type = cursor.u32()
    const start = cursor.at
    metadata.set(key, readValue(cursor, type))
    ranges.set(key, [start, cursor.at])
  }
  if (typeof metadata.get('general.architecture') !== 'string') throw refuse('it names no architecture')
  const tensors = readTensors(cursor, tensorCount, metadata.get('general.alignment'))
  const parameters = tensors.reduce((sum, tensor) => sum + tensor.dimensions.reduce((a, b) => a * b, 1), 0)
  return { version, metadata, tensors, parameters, bytes: cursor.bytes.subarray(0, cursor.at), ranges }
}

function readValue(cursor: GgufCursor, type: number): GgufValue {
  switch (type) {
    case utf8ArrayType:
      return cursor.string()
    case nestedArrayType:
      return readArray(cursor)
    default:
      return cursor.scalar(type)
  }
}

function readArray(cursor: GgufCursor): GgufArray {
  const elementType = cursor.u32()
  if (elementType === nestedArrayType) throw refuse('an array holds arrays')
  const count = cursor.count(16_000_000, 'array elements')
  const at = cursor.at
  if (elementType === utf8ArrayType) for (let index = 0; index < count; index++) cursor.skipString()
  else cursor.skip(count * cursor.sizeOf(elementType))
  return { elementType, count, at }
}

function readTensors(cursor: GgufCursor, count: number, alignment: GgufValue = 32): GgufTensor[] {
  if (typeof alignment !== 'number' || alignment < 8 || alignment > 65_536 || (alignment & (alignment - 1)) !== 0) {
    throw refuse('its alignment is not a power of two')
  }
  const tensors: GgufTensor[] = []
  const names = new Set<string>()
  let endOfData = 0
  for (let index = 0; index < count; index++) {
    const { tensor, offset } = readTensor(cursor)
    if (names.has(tensor.name)) throw refuse('a tensor name appears twice')
    if (offset % alignment !== 0) throw refuse('a tensor is not aligned')
    names.add(tensor.name)
    tensors.push(tensor)
    endOfData = Math.max(endOfData, offset + tensor.sizeBytes)
  }
  const dataStart = Math.ceil(cursor.at / alignment) * alignment
  if (count > 0 && dataStart + endOfData > cursor.fileSize)
    throw refuse('a tensor lies outside of the file: it is cut off')
  return tensors
}

function readTensor(cursor: GgufCursor): { tensor: GgufTensor; offset: number } {
  const name = cursor.string(255)
  const rank = cursor.u32()
  if (rank < 1 || rank > 4) throw refuse(`a tensor has ${rank} dimensions`)
  const dimensions = Array.from({ length: rank }, () => cursor.count(2 ** 40, 'rows'))
  const type = cursor.u32()
  const sizeBytes = tensorBytes(type, dimensions)
  if (sizeBytes === undefined) throw refuse('a tensor has an unknown type or an impossible shape')
  const offset = cursor.count(Number.MAX_SAFE_INTEGER, 'bytes of offset')
  return { tensor: { name, dimensions, type: tensorTypeName(type), sizeBytes }, offset }
}
