import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compliance } from '../compliance.ts'
import { serveLocally } from '../local-server.ts'
import { createFetchBackend } from './fetch-backend.ts'

compliance('a backend of a third party', async truth => {
  const server = await serveLocally(truth)
  return { backend: createFetchBackend('mine', server.url, 'sk-parley-test'), stop: server.stop }
})

test('which fits on a page', () => {
  expect(readFileSync(new URL('fetch-backend.ts', import.meta.url), 'utf8').split('\n').length).toBeLessThanOrEqual(61)
})
