import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type DryRun, type Endpoint, useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Field, Input, Select } from '../../parts/field.tsx'
import { useFilters } from '../../parts/filters.ts'
import { Card } from '../../parts/page.tsx'
import { Banner, Failed } from '../../parts/states.tsx'
import { type Mapping, type PolicyName, policyNames } from './mapping.ts'

const tasks: Readonly<Record<string, 'chat' | 'completion' | 'embedding' | 'image'>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
  '/v1/embeddings': 'embedding',
  '/v1/images/generations': 'image',
}

/** A request that asks nothing of its model but what the path is for. */
const samples: Readonly<Record<string, Record<string, unknown>>> = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'Hello' }] },
  '/v1/completions': { prompt: 'Hello' },
  '/v1/embeddings': { input: 'Hello' },
  '/v1/images/generations': { prompt: 'A house' },
}

type Candidate = DryRun['candidates'][number]
interface Found {
  readonly provider: string | null
  readonly model: string
  readonly reason: string | null
  readonly isDrawn: boolean
  readonly candidates: readonly Candidate[]
}

interface Explained {
  readonly isDrawn: boolean
  readonly candidates: readonly (Candidate & { readonly alias?: string })[]
  readonly error?: { readonly message: string }
}

async function ask({ id, path }: Endpoint, model: string, policy: PolicyName | ''): Promise<Found> {
  if (policy === '') {
    const found = await api('POST /endpoints/:id/test', {
      params: { id },
      body: { request: { model, ...samples[path] } },
    })
    return { ...found, isDrawn: false }
  }
  const task = tasks[path]
  const query = { model, policy, ...(task && { task }) }
  const { candidates, isDrawn, error } = (await api('GET /route/explain', { query })) as Explained
  const first = candidates.find(({ place }) => place === 1)
  return {
    provider: first?.name ?? null,
    model: first?.alias ?? model,
    reason: error?.message ?? null,
    isDrawn,
    candidates,
  }
}

/** Asks the router who would answer. */
export function DryRunCard({ endpoint }: { endpoint: Endpoint }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [filters] = useFilters()
  const [model, setModel] = useState(filters.ask ?? '')
  const [policy, setPolicy] = useState<PolicyName | ''>('')
  const { data: models } = useApi('GET /models')
  const run = useMutation({ mutationFn: () => ask(endpoint, model.trim(), policy) })
  const isAsked = useRef(false)
  useEffect(() => {
    if (filters.ask === undefined || isAsked.current || !mayOperate) return
    isAsked.current = true
    run.mutate()
  }, [filters.ask, mayOperate, run])
  const names = Object.entries(endpoint.mapping as Mapping).flatMap(([name, { aliases = [] }]) => [name, ...aliases])
  const list = `ask-${endpoint.id}`
  if (!mayOperate) return <p className="text-muted-foreground">{t('node.endpoints.dryRunOperator')}</p>
  return (
    <Card className="grid gap-4">
      <div className="grid gap-0.5">
        <h2 className="text-base font-semibold">{t('node.endpoints.dryRun')}</h2>
        <p className="text-muted-foreground">{t('node.endpoints.dryRunAbout')}</p>
      </div>
      <form
        className="grid gap-3"
        onSubmit={event => {
          event.preventDefault()
          run.mutate()
        }}
      >
        <Field label={t('node.endpoints.askModel')}>
          <Input list={list} value={model} onChange={({ target }) => setModel(target.value)} />
        </Field>
        <datalist id={list}>
          {[...new Set([...names, ...(models?.data.map(({ id }) => id) ?? [])])].map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Field label={t('node.endpoints.askPolicy')}>
          <Select value={policy} onChange={({ target }) => setPolicy(target.value as PolicyName | '')}>
            <option value="">{t('node.endpoints.askAs')}</option>
            {policyNames.map(name => (
              <option key={name} value={name}>
                {t(`node.endpoints.policies.${name}`)}
              </option>
            ))}
          </Select>
        </Field>
        <Button
          type="submit"
          look="primary"
          className="justify-self-start"
          isBusy={run.isPending}
          disabled={model.trim() === ''}
        >
          {t('node.endpoints.ask')}
        </Button>
      </form>
      {run.error !== null && <Failed error={run.error} />}
      {run.data && <Answer found={run.data} />}
    </Card>
  )
}

function Answer({ found: { provider, model, reason, isDrawn, candidates } }: { found: Found }) {
  const { t } = useTranslation()
  return (
    <div role="status" className="grid gap-3">
      {provider === null ? (
        <Banner tone="warning" title={t('node.endpoints.wouldNot')}>
          {reason}
        </Banner>
      ) : (
        <p className="font-medium">{t('node.endpoints.would', { provider, model })}</p>
      )}
      {isDrawn && <p className="text-muted-foreground">{t('node.endpoints.drawn')}</p>}
      <ol className="grid divide-y rounded-md border">
        {candidates.map(({ name, place, why }) => (
          <li key={name} className="flex items-baseline gap-3 px-3 py-2">
            <span className="tabular w-5 text-muted-foreground">{place ?? '–'}</span>
            <div className="grid min-w-0 flex-1 gap-0.5">
              <p className="font-medium break-all">
                {name}
                {place === undefined && (
                  <span className="font-normal text-muted-foreground"> · {t('node.endpoints.notAsked')}</span>
                )}
              </p>
              <p className="text-[0.8125rem] break-words text-muted-foreground">{why}</p>
            </div>
          </li>
        ))}
      </ol>
    </div>
  )
}
