import { useTranslation } from 'react-i18next'
import { useMay, useSession } from '../../client/session.ts'
import { useFilters } from '../../parts/filters.ts'
import { Page } from '../../parts/page.tsx'
import { type Tab, Tabs } from '../../parts/tabs.tsx'
import { Account } from './account/account.tsx'
import { OpenSessions } from './account/sessions.tsx'
import { Budgets } from './budgets/budgets.tsx'
import { Keys } from './keys/keys.tsx'
import { Users } from './users/users.tsx'

export function Screen() {
  const { t } = useTranslation()
  const [filters, change] = useFilters()
  const mayView = useMay('viewer')
  const mayManage = useMay('admin')
  const isPerson = useSession(({ me }) => me?.kind === 'user')
  const tabs: Tab[] = [
    { id: 'keys', label: t('settings.people.tabs.keys'), content: <Keys /> },
    ...(mayView ? [{ id: 'budgets', label: t('settings.people.tabs.budgets'), content: <Budgets /> }] : []),
    ...(mayManage ? [{ id: 'users', label: t('settings.people.tabs.users'), content: <Users /> }] : []),
    isPerson
      ? { id: 'account', label: t('settings.people.tabs.account'), content: <Account /> }
      : { id: 'sessions', label: t('settings.people.tabs.sessions'), content: <OpenSessions /> },
  ]
  const shown = tabs.find(({ id }) => id === filters.tab) ?? tabs[0]
  return (
    <Page title={t('settings.people.title')} about={t('settings.people.about')}>
      <Tabs
        label={t('settings.people.title')}
        tabs={tabs}
        value={shown?.id ?? 'keys'}
        onChange={tab => change({ tab: tab === 'keys' ? undefined : tab, page: undefined })}
      />
    </Page>
  )
}
