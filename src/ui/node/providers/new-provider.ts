import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Provider, type TestResult } from '../../client/api.ts'
import { configOf, type Draft, modelsOf } from './draft.ts'
import type { ServiceKind } from './kinds.ts'

/** Parts of the management whose answers depend on who can be asked. */
export const providerParts = ['/providers', '/status', '/models', '/endpoints', '/configs']

export function useFreshProviders(): () => Promise<void> {
  const queries = useQueryClient()
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey: [name] }) => providerParts.some(part => String(name).split(' ')[1]?.startsWith(part)),
    })
}

/**
 * A provider on its way in. To be tested it has to be set up; one that fails is disabled at once, and one that is not kept is
 * removed again.
 */
export function useNewProvider({ provider }: ServiceKind) {
  const { t } = useTranslation()
  const fresh = useFreshProviders()
  const made = useRef<Provider>(undefined)
  const [result, setResult] = useState<TestResult>()
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState<'test' | 'save'>()

  const write = async (draft: Draft, status: 'active' | 'disabled') => {
    const { name, key } = draft
    const body = { name, provider, config: configOf(draft), ...(key !== '' && { key }), status }
    made.current =
      made.current === undefined
        ? await api('POST /providers', { body: { type: 'api', ...body } })
        : await api('PUT /providers/:id', { params: { id: made.current.id }, body })
    return made.current
  }
  const during = async (what: 'test' | 'save', work: () => Promise<void>) => {
    setBusy(what)
    setError(null)
    try {
      await work()
      return true
    } catch (cause) {
      setError(cause)
      return false
    } finally {
      setBusy(undefined)
      void fresh()
    }
  }
  return {
    result,
    error,
    busy,
    /** What was found does not hold for what is typed now. */
    forget: () => {
      setResult(undefined)
      setError(null)
    },
    test: (draft: Draft, model: string) =>
      during('test', async () => {
        setResult(undefined)
        const { id, live } = await write(draft, 'active')
        const wanted = model || modelsOf(draft)[0] || live?.models[0]
        const found =
          wanted === undefined
            ? unlisted(live?.lastErrorCode)
            : await api('POST /providers/:id/test', {
                params: { id },
                body: { model: wanted, prompt: t('node.providers.promptDefault') },
              })
        if (!found.ok) await api('PUT /providers/:id', { params: { id }, body: { status: 'disabled' } })
        setResult(found)
      }),
    /** Whether it is there now, and can be asked. */
    keep: (draft: Draft) => during('save', async () => void (await write(draft, 'active'))),
    undo: async () => {
      const { current } = made
      if (current === undefined) return
      made.current = undefined
      await api('DELETE /providers/:id', { params: { id: current.id } }).catch(() => undefined)
      void fresh()
    },
  }
}

/** It listed no model, and none was named: why it could not be listed. */
function unlisted(code = 'model_not_found'): TestResult {
  const error = { code, message: '' }
  return { ok: false, latencyMs: 0, firstChunkMs: null, model: null, text: null, usage: null, error }
}
