import type { Scene } from './scene.ts'

export const scenes: readonly Scene[] = [{ name: 'wallet', path: '/money' }]
