import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(
  new URL('../../.parley/portkey/node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url),
)

/** The gateway of Portkey in front of the same server, where somebody installed it; see docs/performance.md. */
export async function startPortkey(upstream: string) {
  if (!existsSync(program)) return undefined
  const port = await freePort()
  const child = spawn(process.execPath, [program, `--port=${port}`, '--headless'], { stdio: 'ignore' })
  const origin = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 100 && !(await answers(origin)); attempt++) await sleep(100)
  const headers = {
    authorization: 'Bearer bench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream}/v1`,
  }
  return { origin, pid: child.pid!, headers, stop: () => void child.kill() }
}

async function answers(origin: string): Promise<boolean> {
  return await fetch(origin).then(
    response => response.ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
