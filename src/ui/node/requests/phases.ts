import type { RequestDetail } from '../../client/api.ts'

export interface Phase {
  readonly kind: 'node' | 'attempt' | 'between' | 'waited' | 'answer'
  /** Milliseconds from the arrival of the request. */
  readonly from: number
  readonly ms: number
  readonly provider?: string
}

export interface Attempt {
  readonly provider: string
  readonly model: string
  readonly code: string
  readonly ms: number
}

export function attemptsOf({ attempts }: Pick<RequestDetail, 'attempts'>): Attempt[] {
  return attempts.map(({ provider, model, code, ms }) => ({
    provider: String(provider ?? ''),
    model: String(model ?? ''),
    code: String(code ?? ''),
    ms: Number(ms ?? 0),
  }))
}

/** Where the time of a request went: in this node, with those that failed, until the first token, and in the answer. */
export function phasesOf(
  request: Pick<RequestDetail, 'attempts' | 'response' | 'responseTime' | 'firstChunkMs'>,
): Phase[] {
  const { responseTime: total, firstChunkMs } = request
  const overhead = Number(request.response.overheadMs ?? 0)
  const phases: Phase[] = []
  let at = 0
  const add = (kind: Phase['kind'], until: number, provider?: string) => {
    const end = Math.min(Math.max(at, until), total)
    if (end > at) phases.push({ kind, from: at, ms: end - at, ...(provider !== undefined && { provider }) })
    at = end
  }
  const attempts = attemptsOf(request)
  const answered = attempts.find(({ code }) => code === 'ok')
  add('node', attempts.length === 0 ? total : overhead)
  for (const { provider, ms, code } of attempts) if (code !== 'ok') add('attempt', at + ms, provider)
  if (firstChunkMs !== null) {
    add('waited', firstChunkMs, answered?.provider)
    add('answer', total, answered?.provider)
  } else {
    add(answered !== undefined ? 'answer' : attempts.length > 0 ? 'between' : 'node', total, answered?.provider)
  }
  return phases
}
