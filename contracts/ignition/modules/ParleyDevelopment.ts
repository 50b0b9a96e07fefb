import { buildModule } from '@nomicfoundation/hardhat-ignition/modules'

/** As `Parley`, over a token of its own that anybody may mint: for networks where money is worth nothing. */
export default buildModule('ParleyDevelopment', module => {
  const minStake = module.getParameter<bigint>('minStake')
  const unbonding = module.getParameter<number>('unbonding')
  const exitDelay = module.getParameter<number>('exitDelay')
  const token = module.contract('TestToken')
  const registry = module.contract('ProviderRegistry', [token, minStake, unbonding])
  const escrow = module.contract('Escrow', [token, registry, exitDelay])
  return { token, registry, escrow }
})
