import { useTranslation } from 'react-i18next'
import { type Budget, useApi } from '../../../client/api.ts'
import { useMay } from '../../../client/session.ts'

const limit = 200

/** What a budget is of, as people call it. */
export function useNameOf(): (budget: Pick<Budget, 'scope' | 'scopeId'>) => string {
  const { t } = useTranslation()
  const mayManage = useMay('admin')
  const { data: keys } = useApi('GET /keys', { query: { limit } })
  const { data: users } = useApi('GET /users', { query: { limit } }, { enabled: mayManage })
  return ({ scope, scopeId }) => {
    if (scope === 'node') return t('settings.budgets.scopes.node')
    if (scope === 'key') return keys?.data.find(({ id }) => id === scopeId)?.name ?? scopeId
    if (scope === 'user') return users?.data.find(({ id }) => id === scopeId)?.name ?? scopeId
    return scopeId
  }
}
