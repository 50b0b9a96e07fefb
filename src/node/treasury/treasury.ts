import type { Service, Treasury, TreasurySummary } from '../../core/index.ts'
import { createDoctorDesk } from './doctor-desk.ts'
import { createEscrowDesk } from './escrow-desk.ts'
import { createNetworkDesk } from './network-desk.ts'
import { createSellingDesk } from './selling-desk.ts'
import { createVault, type OnChain, type TreasuryOptions, type Vault } from './vault.ts'
import { createWalletDesk } from './wallet-desk.ts'

/** Money and the network of a running node; when it stops, what waits for the chain is given up. */
export function createTreasury(options: TreasuryOptions): Treasury & Service {
  const vault = createVault(options)
  return {
    name: 'treasury',
    wallet: createWalletDesk(options, vault),
    escrow: createEscrowDesk(options, vault),
    network: createNetworkDesk(options, vault),
    selling: createSellingDesk(options, vault),
    doctor: createDoctorDesk(options),
    summary: () => summaryOf(options, vault),
    start: async () => {},
    stop: async () => vault.stop(),
  }
}

function summaryOf({ config, network, models }: TreasuryOptions, vault: Vault): TreasurySummary {
  const chain = vault.chain()
  const held = chain === null ? undefined : vault.holdings.last()
  const { p2p } = network.parts()
  return {
    chain: chain && { id: chain.id, blockNumber: chain.blockNumber, isStale: chain.isStale, error: chain.error },
    peers: p2p === undefined ? null : p2p.discovery.connected().length,
    models: models(),
    balance: held === undefined ? null : balanceOf(held),
    selling: config.provider.enabled,
    archive: config.archive.enabled,
  }
}

function balanceOf({ account, token }: OnChain): TreasurySummary['balance'] {
  return { escrow: account.free, symbol: token.symbol, decimals: token.decimals }
}
