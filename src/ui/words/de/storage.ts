import type { Words } from '../words.ts'

export const storage: Words['storage'] = {}
