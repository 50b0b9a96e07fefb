import { stat } from 'node:fs/promises'
import { ParleyError } from '../../core/index.ts'
import type { ModelFile } from './model-file.ts'

/**
 * A failure of the engine or of the system below it, in words of our own: theirs name files of this machine, and may quote
 * what was asked, which is for nobody who sends calls and for no log. The cause keeps them.
 */
export function engineFailure(cause: unknown, signal?: AbortSignal): ParleyError {
  if (cause instanceof ParleyError) return cause
  if (signal?.aborted) return ParleyError.from(cause, signal)
  return new ParleyError('model_failed', 'the engine failed while computing; try again, or another model', { cause })
}

/** Why a model cannot be loaded, as far as its file tells. */
export async function loadFailure(file: ModelFile, cause: unknown): Promise<ParleyError> {
  return new ParleyError('model_failed', `${file.entry.id} cannot be loaded: ${await reasonOf(file)}`, { cause })
}

async function reasonOf({ entry, sizeBytes }: ModelFile): Promise<string> {
  const now = await stat(entry.path).catch(() => undefined)
  if (now === undefined) return 'its file is gone or cannot be read; put it back, or choose another model'
  if (now.size !== sizeBytes) return 'its file has changed since the node started; pull it again and restart the node'
  return 'the engine does not take it, for want of memory or as its kind is unknown; choose another model'
}

/** The same for the operator at the start of the node, who is to mend it: with the file, and what the engine says. */
export function namingFile({ entry }: ModelFile, error: ParleyError): ParleyError {
  if (error.code !== 'model_failed') return error
  const said = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return new ParleyError(error.code, `${error.message}; the file is ${entry.path}${said}`, { cause: error })
}
