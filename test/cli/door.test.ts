import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** The Node of the system, when there is one that is too old for the program. */
function oldNode(): string | undefined {
  try {
    const path = '/usr/bin/node'
    const [major, minor] = execFileSync(path, ['-p', 'process.versions.node']).toString().split('.').map(Number)
    return major! < 22 || (major === 22 && minor! < 18) ? path : undefined
  } catch {
    return undefined
  }
}

const old = oldNode()

test.skipIf(old === undefined)('under an old Node the door goes on with the one installed beside it', async () => {
  const run = promisify(execFile)(old!, ['scripts/parley.cjs', 'config', 'check', '--http-port', '70000'])
  await expect(run).rejects.toMatchObject({ code: 3, stderr: expect.stringContaining('http.port is too large') })
})

test.skipIf(old === undefined)('under an old Node with none beside it the door says what to do', async () => {
  const env = { ...process.env, PARLEY_REEXECUTED: '1' }
  const run = promisify(execFile)(old!, ['scripts/parley.cjs', '--version'], { env })
  await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/why: .*next: install Node/s) })
})
