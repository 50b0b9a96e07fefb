import type { Abi, Hex } from 'viem'

export interface Compiled {
  abi: Abi
  bytecode: Hex
}

let built: Promise<unknown> | undefined

/** ABI and bytecode of a contract, compiled from `contracts/` when the artifacts are missing or old. */
export async function compiled(contract: string): Promise<Compiled> {
  const { artifacts, tasks } = await import('hardhat')
  built ??= tasks.getTask('build').run({ noTests: true, quiet: true })
  await built
  const { abi, bytecode } = await artifacts.readArtifact(contract)
  return { abi, bytecode: bytecode as Hex }
}
