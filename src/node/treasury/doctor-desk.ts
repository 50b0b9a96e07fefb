import { type DoctorDesk, type Finding, ParleyError, within } from '../../core/index.ts'
import { type CheckParts, checks } from './checks.ts'
import type { TreasuryOptions } from './vault.ts'

const checkMs = 10_000
const states = { ok: 'ok', warning: 'warning', problem: 'failed' } as const

/** The doctor's checks, asked by the node itself. */
export function createDoctorDesk(options: TreasuryOptions): DoctorDesk {
  return {
    examine: signal => {
      const bound = AbortSignal.any([signal, AbortSignal.timeout(checkMs)])
      const parts = partsOf(options, bound)
      return Promise.all(
        Object.entries(checks).map(async ([name, look]): Promise<Finding> => {
          try {
            const { state, found, next } = await within(look(parts), checkMs, `looking at ${name}`)
            return { name, state: states[state], found, next: next ?? null }
          } catch (cause) {
            const { code, message } = ParleyError.from(cause, signal)
            if (code === 'cancelled') throw cause
            return { name, state: 'failed', found: message, next: null }
          }
        }),
      )
    },
  }
}

function partsOf({ config, accounts, network, url }: TreasuryOptions, signal: AbortSignal): CheckParts {
  return {
    config,
    node: async () => url(),
    isRunning: () => true,
    hasPrivateKey: () => accounts.name === undefined,
    wallets: accounts.list,
    chain: async () => {
      const { access } = network.parts()
      if (access === undefined)
        throw new ParleyError('chain_unavailable', 'the chain is not open; start the node again')
      const [{ blockNumber, behindSeconds }, { symbol }] = await Promise.all([
        access.chain.check(signal),
        access.token(signal),
      ])
      return { blockNumber, behindSeconds, symbol }
    },
    providers: async () => network.parts().access?.directory.list() ?? [],
  }
}
