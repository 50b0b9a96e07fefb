import type { Words } from '../words.ts'

export const node: Words['node'] = {}
