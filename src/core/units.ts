import type { Task } from './call.ts'
import type { Unit } from './money.ts'

const units: Readonly<Record<Task, Unit>> = {
  chat: 'tokens',
  completion: 'tokens',
  embedding: 'tokens',
  moderation: 'tokens',
  rerank: 'tokens',
  image: 'images',
  imageEdit: 'images',
  imageVariation: 'images',
  transcription: 'seconds',
  translation: 'seconds',
  speech: 'characters',
}

/** What a kind of call is paid by. */
export function unitOf(task: Task): Unit {
  return units[task]
}
