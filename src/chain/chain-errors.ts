import type { Abi, AbiParameter } from 'viem'
import { type ErrorCode, ParleyError } from '../core/index.ts'
import { escrowAbi } from './generated/escrow.ts'
import { providerRegistryAbi } from './generated/provider-registry.ts'
import { testTokenAbi } from './generated/test-token.ts'
import { revertCodes, revertWords } from './revert-words.ts'
import type { Viem } from './transport.ts'

/**
 * Whatever viem threw while doing `what`, as one of our errors: a refusal by a contract in words, or silence of the
 * chain. Messages never repeat a URL, since keys of RPC services are part of them; the cause does.
 */
export function chainError(viem: Viem, cause: unknown, what: string, signal?: AbortSignal): ParleyError {
  if (signal?.aborted) return ParleyError.from(cause, signal)
  const ours = find(cause, error => error instanceof ParleyError)
  if (ours instanceof ParleyError) return ours
  const data = revertData(viem, cause)
  if (data !== undefined) return refusal(viem, data, what, cause)
  if (find(cause, error => error instanceof viem.ContractFunctionZeroDataError)) {
    const why = 'the address holds no such contract'
    return new ParleyError('chain_mismatch', `${what} failed: ${why}; check chain.registry and chain.escrow`, { cause })
  }
  if (says(cause, /insufficient funds|enough funds/i)) {
    return new ParleyError('insufficient_funds', `${what} failed: the account cannot pay the gas; fund it`, { cause })
  }
  if (says(cause, /nonce too low|nonce is too low|underpriced/i)) {
    const why = 'the account sent another transaction at the same moment'
    return new ParleyError('transaction_failed', `${what} failed: ${why}; try again`, { cause })
  }
  if (says(cause, viem.ExecutionRevertedError.nodeMessage)) {
    return new ParleyError('transaction_failed', `${what} failed: the chain refused it without a reason`, { cause })
  }
  const why = cause instanceof viem.BaseError ? firstLine(cause.shortMessage) : 'no answer'
  return new ParleyError('chain_unavailable', `${what} failed: ${why}; check chain.rpcUrls`, { cause })
}

/** Every custom error a call may end in: a token's come up through the contracts that call it. */
export const errorAbi: Abi = uniqueErrors([...escrowAbi, ...providerRegistryAbi, ...testTokenAbi])

function uniqueErrors(items: Abi): Abi {
  const signature = (item: Abi[number]) =>
    item.type === 'error' ? `${item.name}(${item.inputs.map(input => input.type).join()})` : undefined
  const known = new Map(items.map(item => [signature(item), item]))
  known.delete(undefined)
  return [...known.values()]
}

function refusal(viem: Viem, data: `0x${string}`, what: string, cause: unknown): ParleyError {
  const reason = decodedReason(viem, data)
  if (reason === undefined) {
    return new ParleyError('transaction_failed', `${what} failed: the contract gave ${data.slice(0, 74)} as reason`, {
      cause,
    })
  }
  const { name, args } = reason
  const told = Object.entries(args)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
  const template = revertWords[name]
  const words = template?.replace(/\{(\w+)\}/g, (_, key: string) => args[key] ?? key) ?? (told || 'no arguments')
  const code: ErrorCode = revertCodes[name] ?? 'transaction_failed'
  return new ParleyError(code, `${what} failed: ${words} (${name})`, { cause, details: { reason: name, ...args } })
}

function decodedReason(viem: Viem, data: `0x${string}`): { name: string; args: Record<string, string> } | undefined {
  try {
    const { errorName, args, abiItem } = viem.decodeErrorResult({ abi: errorAbi, data })
    const inputs: readonly AbiParameter[] = 'inputs' in abiItem ? abiItem.inputs : []
    const values: readonly unknown[] = args ?? []
    return {
      name: errorName,
      args: Object.fromEntries(inputs.map((input, at) => [input.name || String(at), String(values[at])])),
    }
  } catch {
    // An error no ABI of ours names: told by its bytes.
    return undefined
  }
}

/** viem keeps what the contract returned somewhere among the causes, bare or wrapped in an object. */
function revertData(viem: Viem, cause: unknown): `0x${string}` | undefined {
  const found = find(cause, error => hexOf(error) !== undefined)
  const data = found && hexOf(found)
  return data !== undefined && viem.size(data) >= 4 ? data : undefined
}

function hexOf(error: Error): `0x${string}` | undefined {
  if (!('data' in error)) return undefined
  const { data } = error
  const inner = typeof data === 'object' && data !== null && 'data' in data ? data.data : data
  return typeof inner === 'string' && /^0x[0-9a-f]*$/i.test(inner) ? (inner as `0x${string}`) : undefined
}

const causesMax = 16

function find(cause: unknown, is: (error: Error) => boolean): Error | undefined {
  let error = cause
  for (let depth = 0; depth < causesMax && error instanceof Error; depth++) {
    if (is(error)) return error
    error = error.cause
  }
  return undefined
}

/** Nodes agree on the codes of few errors; what they have in common is their words. */
function says(cause: unknown, words: RegExp): boolean {
  return find(cause, error => words.test(error.message)) !== undefined
}

function firstLine(text: string): string {
  return text
    .split('\n', 1)[0]!
    .replace(/https?:\/\/\S+/g, 'the endpoint')
    .replace(/\.$/, '')
    .slice(0, 200)
}
