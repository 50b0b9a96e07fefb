import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { type Chain, createChain, createSender, createSigner, type Sender } from '../../src/chain/index.ts'
import { type Address, type Hex, ParleyError, systemClock } from '../../src/core/index.ts'

/** A chain in another process on a busy machine: patience here, never a claim about speed. */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

export const UNIT = 1_000_000n

/** The development chain as everybody starts it, in a process of its own. */
export async function startDevChain(...flags: string[]) {
  const script = fileURLToPath(new URL('../../scripts/dev-chain.ts', import.meta.url))
  const child = spawn(process.execPath, [script, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(60_000) })) as [
    string,
  ]
  const ready = JSON.parse(line) as Ready
  const rpc = async (method: string, params: unknown[] = []): Promise<unknown> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(ready.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const answer = (await response.json()) as { result?: unknown; error?: { message: string } }
    if (answer.error) throw new ParleyError('internal', `${method}: ${answer.error.message}`)
    return answer.result
  }
  const open = (rpcUrls: string[] = [ready.rpcUrl]): Chain =>
    createChain(
      {
        chainId: BigInt(ready.chainId),
        rpcUrls,
        registry: ready.registry,
        escrow: ready.escrow,
        timeoutMs: 10_000,
        receiptTimeoutMs: 60_000,
      },
      { clock: systemClock },
    )
  const chain = open()
  return {
    ...ready,
    chain,
    open,
    rpc,
    /** A sender for one of the funded accounts. */
    account: (index: number): Sender => createSender(chain, createSigner(ready.accounts[index]!.privateKey)),
    later: async (seconds: number) => {
      await rpc('evm_increaseTime', [seconds])
      await rpc('evm_mine')
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

export type DevChain = Awaited<ReturnType<typeof startDevChain>>

interface Ready {
  readonly rpcUrl: string
  readonly chainId: number
  readonly blockNumber: number
  readonly token: Address
  readonly registry: Address
  readonly escrow: Address
  readonly accounts: readonly { address: Address; privateKey: Hex }[]
}

export const soon = (): AbortSignal => AbortSignal.timeout(60_000)

/** The error a promise ends in, or a complaint that it did not. */
export async function failure(promise: Promise<unknown>): Promise<ParleyError> {
  const error = await promise.then(
    () => new ParleyError('internal', 'nothing was thrown'),
    (cause: unknown) => cause,
  )
  return error instanceof ParleyError ? error : new ParleyError('internal', `not typed: ${String(error)}`)
}

export async function until(condition: () => boolean, timeoutMs = 30_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > end) throw new ParleyError('timeout', 'the condition did not come true')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
