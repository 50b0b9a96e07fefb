import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parleyHome, startParley } from './parley.ts'

const file = (upstreams: readonly string[], more = '') =>
  upstreams.map(name => `[[upstreams]]\nname = "${name}"\nurl = "http://127.0.0.1:9/v1"\n`).join('') + more

test('a node that runs takes its file again on SIGHUP and on command, and stops when it is told to', async () => {
  const { home, run, json, file: place } = parleyHome({ 'config.toml': file([]) })
  expect(await run(['config', 'reload'])).toMatchObject({ code: 7, stderr: expect.stringContaining('parley up') })
  const { child, ended, said } = startParley(home, ['up', '--http-port', '0', '--no-models-nano', '--json'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const line = await new Promise<string>(resolve => createInterface({ input: child.stdout }).once('line', resolve))
  const { pid } = JSON.parse(line) as { pid: number }

  writeFileSync(place('config.toml'), file(['one']))
  process.kill(pid, 'SIGHUP')
  await vi.waitFor(() => expect(said().stderr).toContain('setup.changed generation=2 upstreams=1'), 10_000)

  writeFileSync(place('config.toml'), file(['one', 'two'], '[timeouts]\nidleMs = 1000\n'))
  expect(await json(['config', 'reload'])).toMatchObject({
    code: 0,
    value: { v: 1, generation: 3, upstreams: ['one', 'two'], needsRestart: ['timeouts'] },
  })

  writeFileSync(place('config.toml'), file(['one', 'one']))
  expect(await run(['config', 'reload'])).toMatchObject({ code: 3, stderr: expect.stringContaining('upstreams') })
  process.kill(pid, 'SIGHUP')
  await vi.waitFor(() => expect(said().stderr).toMatch(/service\.failed service=setup code=config_invalid/), 10_000)
  process.kill(pid, 'SIGTERM')
  expect((await ended).code).toBe(0)
}, 60_000)
