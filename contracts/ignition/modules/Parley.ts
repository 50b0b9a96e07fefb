import { buildModule } from '@nomicfoundation/hardhat-ignition/modules'

/** Registry and escrow over an ERC-20 that exists. All four parameters are fixed for good by the deployment. */
export default buildModule('Parley', module => {
  const token = module.getParameter<string>('token')
  const minStake = module.getParameter<bigint>('minStake')
  const unbonding = module.getParameter<number>('unbonding')
  const exitDelay = module.getParameter<number>('exitDelay')
  const registry = module.contract('ProviderRegistry', [token, minStake, unbonding])
  const escrow = module.contract('Escrow', [token, registry, exitDelay])
  return { registry, escrow }
})
