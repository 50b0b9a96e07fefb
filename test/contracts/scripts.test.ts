import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createPublicClient, http } from 'viem'
import { afterEach, expect, test } from 'vitest'
import { escrowAbi } from '../../src/chain/generated/escrow.ts'
import { testTokenAbi } from '../../src/chain/generated/test-token.ts'

const journals = fileURLToPath(new URL('../../contracts/ignition/deployments', import.meta.url))
const TIMEOUT = { timeout: 180_000 }
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function script(name: string, flags: string[] = []) {
  const path = fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...flags], { cwd: tmpdir(), stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(child)
  const lines: string[] = []
  createInterface(child.stdout).on('line', line => lines.push(line))
  let complaints = ''
  child.stderr.on('data', data => {
    complaints += data
  })
  const exited = once(child, 'close').then(([code]) => ({ code, lines, complaints }))
  return { child, lines, exited }
}

async function devChain(flags: string[] = []) {
  const started = script('dev-chain.ts', flags)
  const { exited } = started
  const ended = exited.then(({ complaints }) => expect.fail(`dev-chain ended early: ${complaints}`))
  while (started.lines.length === 0) {
    await Promise.race([new Promise(resolve => setTimeout(resolve, 50)), ended])
  }
  return { ...started, ready: JSON.parse(started.lines[0]!) }
}

test('the generated ABIs are those of the contracts', TIMEOUT, async () => {
  const { code, complaints } = await script('generate-abi.ts', ['--check']).exited
  expect(code, complaints).toBe(0)
})

test('a development chain says one line, and everything in it is true', TIMEOUT, async () => {
  const { ready, child, exited } = await devChain(['--chain-id', '4242', '--exit-delay', '7'])
  const client = createPublicClient({ transport: http(ready.rpcUrl) })
  expect(await client.getChainId()).toBe(4242)
  const read = { address: ready.escrow, abi: escrowAbi } as const
  expect(await client.readContract({ ...read, functionName: 'exitDelay' })).toBe(7n)
  expect(await client.readContract({ ...read, functionName: 'registry' })).toBe(ready.registry)
  expect(ready.accounts.length).toBeGreaterThanOrEqual(3)
  for (const { address } of ready.accounts) {
    expect(await client.getBalance({ address })).toBeGreaterThan(0n)
    const held = await client.readContract({
      address: ready.token,
      abi: testTokenAbi,
      functionName: 'balanceOf',
      args: [address],
    })
    expect(held).toBeGreaterThan(0n)
  }
  child.kill('SIGTERM')
  const { code, lines } = await exited
  expect(code).toBe(0)
  expect(lines).toHaveLength(1)
})

test('a development chain ends with the parent that holds its stdin', TIMEOUT, async () => {
  const { child, exited } = await devChain()
  child.stdin!.end()
  expect((await exited).code).toBe(0)
})

test('a wrong flag is a usage error that says what is wanted', TIMEOUT, async () => {
  const { code, complaints } = await script('dev-chain.ts', ['--exit-delay', 'soon']).exited
  expect(code).toBe(64)
  expect(complaints).toContain("--exit-delay wants a whole number, not 'soon'")
})

test('deploying to the chain of another process is recorded, and done once', TIMEOUT, async () => {
  const { ready } = await devChain()
  const folder = await mkdtemp(join(tmpdir(), 'parley-deploy-'))
  const out = join(folder, 'record.json')
  const flags = ['--network', 'localhost', '--rpc-url', ready.rpcUrl, '--exit-delay', '99', '--out', out]
  const deploy = async () => {
    const { code, complaints } = await script('deploy.ts', flags).exited
    expect(code, complaints).toBe(0)
    return JSON.parse(await readFile(out, 'utf8'))
  }
  try {
    const record = await deploy()
    const client = createPublicClient({ transport: http(ready.rpcUrl) })
    const escrow = { address: record.escrow, abi: escrowAbi } as const
    expect(await client.readContract({ ...escrow, functionName: 'exitDelay' })).toBe(99n)
    expect(await client.readContract({ ...escrow, functionName: 'token' })).toBe(record.token)
    expect(record).toMatchObject({ chainId: 31337, network: 'localhost' })
    expect(record.deployedAtBlock).toBe(ready.blockNumber + 1)
    const block = await client.getBlockNumber()
    expect(await deploy()).toEqual(record)
    expect(await client.getBlockNumber({ cacheTime: 0 })).toBe(block)
    const { hash } = await client.getBlock({ blockNumber: 0n })
    await rm(join(journals, `chain-31337-${hash!.slice(2, 10)}`), { recursive: true })
  } finally {
    await rm(folder, { recursive: true })
  }
})
