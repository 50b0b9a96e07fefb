import { type KeptThing, ParleyError } from '../core/index.ts'

/** A thing that servers keep, and the field that names it. */
export interface Named extends Pick<KeptThing, 'kind' | 'id'> {
  readonly param: string
}

type Fields = Readonly<Record<string, unknown>>

/**
 * What a new fine-tuning job would read, in the words of the servers there are: its files, the job it goes on from, and
 * files or jobs in the place of a model. The server would take those of every caller of this node. Names of models are
 * for all callers, as they are in chats.
 */
export function thingsNamedIn(json: unknown): Named[] {
  const fields = typeof json === 'object' && json !== null ? (json as Fields) : {}
  return [
    ...['training_file', 'validation_file'].flatMap(param => idsIn(fields[param]).map(id => file(id, param))),
    ...['training_files', 'validation_files'].flatMap(param =>
      listOf(fields[param])
        .flatMap(idsIn)
        .map(id => file(id, param)),
    ),
    ...checkpointIn(fields.from_checkpoint),
    ...idsIn(fields.model).flatMap(keptModel),
  ]
}

/** The model that a new job trains, where it is none that a job has made. */
export function modelNamedIn(json: unknown): string | undefined {
  const { model } = typeof json === 'object' && json !== null ? (json as Fields) : {}
  return typeof model === 'string' && keptModel(model).length === 0 ? model : undefined
}

function file(id: string, param: string): Named {
  return { kind: 'file', id, param }
}

/** A file is named by its id, or by a part that holds the id. */
function idsIn(value: unknown): string[] {
  const id = typeof value === 'object' && value !== null ? (value as Fields).file_id : value
  return typeof id === 'string' ? [id] : []
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value == null ? [] : [value]
}

/** The id of a job, with the number of a step behind it. Whose a model is that a job has made, nobody here can tell. */
function checkpointIn(value: unknown): Named[] {
  if (value == null) return []
  const param = 'from_checkpoint'
  const [, id] = typeof value === 'string' ? (/^([\w.-]{1,256})(?::\d+)?$/.exec(value) ?? []) : []
  if (id !== undefined) return [{ kind: 'job', id, param }]
  const message = 'a checkpoint is named by the id of its job, and :step where it is not the last; name it so'
  throw new ParleyError('invalid_request', message, { param })
}

const keptId = /^(?:file|ft|ftjob|job)-[\w.-]+/

function keptModel(name: string): Named[] {
  const [id] = keptId.exec(name) ?? []
  if (id === undefined) return []
  return [{ kind: id.startsWith('file-') ? 'file' : 'job', id, param: 'model' }]
}
