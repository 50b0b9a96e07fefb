import { describe } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { createMemoryShared } from '../../src/store/index.ts'
import { cacheCases } from './cache-cases.ts'

describe('answers kept in memory', () => {
  cacheCases(async () => createMemoryShared({ clock: systemClock }))
})
