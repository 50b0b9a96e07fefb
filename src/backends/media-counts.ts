import type { Outcome, RelayedCall, Units } from '../core/index.ts'
import { charactersIn, imagesIn, secondsIn } from '../openai/index.ts'
import { measureCall } from '../session/index.ts'

/** What was answered beside tokens, where the call or the answer tells it. */
export function unitsOf(call: RelayedCall, body?: unknown): Pick<Outcome, 'units'> {
  switch (call.task) {
    case 'image':
    case 'imageEdit':
    case 'imageVariation':
      return units('images', imagesIn(body))
    case 'speech':
      return units('characters', charactersIn(call.body.input))
    case 'transcription':
    case 'translation':
      // Texts and short answers do not tell what was heard; the file does.
      return units('seconds', secondsIn(body) || measureCall(call).in)
    default:
      return {}
  }
}

export function units(unit: Units['unit'], amount: number): Pick<Outcome, 'units'> {
  return amount > 0 ? { units: { unit, count: amount } } : {}
}
