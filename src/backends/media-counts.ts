import type { Outcome, RelayedCall, Units } from '../core/index.ts'
import { charactersIn, imagesIn, secondsIn } from '../openai/index.ts'

/** What was answered beside tokens, where the call or the answer tells it. */
export function unitsOf(call: RelayedCall, body?: unknown): Pick<Outcome, 'units'> {
  switch (call.task) {
    case 'image':
    case 'imageEdit':
    case 'imageVariation':
      return units('image', imagesIn(body))
    case 'speech':
      return units('character', charactersIn(call.body.input))
    case 'transcription':
    case 'translation':
      return units('second', secondsIn(body))
    default:
      return {}
  }
}

export function units(kind: Units['kind'], amount: number): Pick<Outcome, 'units'> {
  return amount > 0 ? { units: { kind, count: amount } } : {}
}
