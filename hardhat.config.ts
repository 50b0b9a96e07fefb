import { createRequire } from 'node:module'
import hardhatIgnitionViem from '@nomicfoundation/hardhat-ignition-viem'
import hardhatViem from '@nomicfoundation/hardhat-viem'
import { configVariable, defineConfig } from 'hardhat/config'

const require = createRequire(import.meta.url)

const solc = { version: '0.8.37', path: require.resolve('solc/soljson.js') }

/**
 * What is deployed is optimized to the last unit of gas; the tests that deploy it by name need only compile fast.
 * The IR pipeline takes twice as long and saves a twentieth of a claim.
 */
const optimized = { ...solc, settings: { evmVersion: 'cancun', optimizer: { enabled: true, runs: 1_000_000 } } }
const viaIR = { ...solc, settings: { ...optimized.settings, viaIR: true } }

/** A public network is whatever the two variables say: its RPC and the key that pays for the deployment. */
const publicNetwork = (chainType: 'l1' | 'op' | 'generic', chainId: number) => ({
  type: 'http' as const,
  chainType,
  chainId,
  url: configVariable('PARLEY_RPC_URL'),
  accounts: [configVariable('PARLEY_DEPLOYER_KEY')],
})

export default defineConfig({
  plugins: [hardhatViem, hardhatIgnitionViem],
  solidity: {
    compilers: [{ ...solc, settings: { evmVersion: 'cancun' } }],
    overrides: {
      'contracts/Escrow.sol': viaIR,
      'contracts/ProviderRegistry.sol': viaIR,
      'contracts/test/TestToken.sol': optimized,
    },
  },
  paths: { sources: 'contracts', tests: { solidity: 'test/contracts' }, ignition: 'contracts/ignition' },
  test: { solidity: { fuzz: { runs: 256, seed: '0x9a51e7' }, invariant: { runs: 64, depth: 64, failOnRevert: true } } },
  networks: {
    localhost: { type: 'http', chainType: 'l1', url: 'http://127.0.0.1:8545' },
    sepolia: publicNetwork('l1', 11_155_111),
    'base-sepolia': publicNetwork('op', 84_532),
    'arbitrum-sepolia': publicNetwork('generic', 421_614),
  },
})
