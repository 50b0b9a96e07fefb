import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the pages made from code are up to date', async () => {
  const run = promisify(execFile)(process.execPath, ['scripts/docs.ts', '--check'])
  await expect(run).resolves.toMatchObject({ stderr: '' })
})
