import { readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Abi, Hex } from 'viem'

export interface Compiled {
  abi: Abi
  bytecode: Hex
}

let built: Promise<unknown> | undefined

/**
 * ABI and bytecode of a contract, compiled from `contracts/` when the artifacts are missing or old.
 *
 * Hardhat writes its artifacts as if nobody else did, so processes that start together on a fresh checkout (test
 * workers, development chains) take turns here.
 */
export async function compiled(contract: string): Promise<Compiled> {
  const { artifacts, tasks } = await import('hardhat')
  built ??= alone(() => tasks.getTask('build').run({ noTests: true, quiet: true }))
  await built
  const { abi, bytecode } = await artifacts.readArtifact(contract)
  return { abi, bytecode: bytecode as Hex }
}

const LOCK = fileURLToPath(new URL('../node_modules/.parley-build.lock', import.meta.url))
const POLL_MS = 100
const POLLS_MAX = 1800

async function alone<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let polls = 0; !(await taken()); polls++) {
    if (polls === POLLS_MAX) {
      console.error(`another process has been compiling for minutes; if it is not, remove ${LOCK}`)
      process.exit(75)
    }
    await wait(POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(LOCK, { force: true })
  }
}

async function taken(): Promise<boolean> {
  const mine = await writeFile(LOCK, String(process.pid), { flag: 'wx' }).then(
    () => true,
    () => false,
  )
  if (!mine && (await holderIsGone())) await rm(LOCK, { force: true })
  return mine
}

async function holderIsGone(): Promise<boolean> {
  const pid = Number(await readFile(LOCK, 'utf8').catch(() => ''))
  if (!pid) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
