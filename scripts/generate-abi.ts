import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { compiled } from './compiled.ts'

/** Contract name → file under `src/chain/generated` and the constant it exports. */
const TARGETS = [
  { contract: 'Escrow', file: 'escrow.ts', constant: 'escrowAbi' },
  { contract: 'ProviderRegistry', file: 'provider-registry.ts', constant: 'providerRegistryAbi' },
  { contract: 'TestToken', file: 'test-token.ts', constant: 'testTokenAbi' },
]

const folder = new URL('../src/chain/generated/', import.meta.url)

/**
 * Writes the ABIs as TypeScript constants, so that viem infers arguments and results.
 * With `--check` it writes nothing and fails when a file differs from what the contracts say.
 */
async function generateAbi({ check }: { check: boolean }): Promise<void> {
  await mkdir(folder, { recursive: true })
  const drifted: string[] = []
  for (const { contract, file, constant } of TARGETS) {
    const { abi } = await compiled(contract)
    const path = fileURLToPath(new URL(file, folder))
    const wanted = source(constant, abi)
    if ((await readFile(path, 'utf8').catch(() => '')) === wanted) continue
    drifted.push(file)
    if (!check) await writeFile(path, wanted)
  }
  for (const file of drifted)
    console.error(`${check ? 'differs from the contracts' : 'written'}: src/chain/generated/${file}`)
  if (!check || drifted.length === 0) return
  console.error('run npm run generate:abi and commit the result')
  process.exitCode = 1
}

const source = (constant: string, abi: readonly unknown[]): string =>
  [
    '// Generated from contracts/ by npm run generate:abi. Do not edit.',
    `export const ${constant} = [`,
    abi.map(entry => `  ${literal(entry)}`).join(',\n'),
    '] as const',
    '',
  ].join('\n')

/** One ABI entry on one line, as a TypeScript literal in the house style. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (value === null || typeof value !== 'object') return String(value)
  return `{ ${Object.entries(value)
    .filter(([key]) => key !== 'internalType')
    .map(([key, inner]) => `${key}: ${literal(inner)}`)
    .join(', ')} }`
}

// Hardhat looks for its configuration from the working directory upwards.
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
await generateAbi({ check: process.argv.includes('--check') })
