import { useTranslation } from 'react-i18next'
import type { Alert } from '../../client/api.ts'
import { number } from '../../parts/format.ts'

export const metrics = [
  'error_rate',
  'provider_error_rate',
  'latency_p95',
  'first_chunk_p95',
  'provider_failures',
  'memory',
  'event_loop_delay',
  'budget',
] as const

/** What an alert's rule means to people, and what helps. A rule's name is its metric unless somebody gave it one. */
export function useMeaning() {
  const { t } = useTranslation()
  return ({ rule }: Pick<Alert, 'rule'>) => {
    const metric = metrics.find(name => name === rule) ?? 'other'
    return {
      name: t(`node.alerts.meaning.${metric}.name`, { rule }),
      about: t(`node.alerts.meaning.${metric}.about`),
      todo: t(`node.alerts.meaning.${metric}.todo`),
    }
  }
}

const units: Readonly<Record<string, string>> = {
  error_rate: ' %',
  provider_error_rate: ' %',
  memory: ' %',
  budget: ' %',
  latency_p95: ' ms',
  first_chunk_p95: ' ms',
  event_loop_delay: ' ms',
}

export function measure({ rule }: Pick<Alert, 'rule'>, value: number): string {
  return `${number(value, 1)}${units[rule] ?? ''}`
}
