import { Laptop } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Session, useApi, useChange } from '../../../client/api.ts'
import { signOut, useSession } from '../../../client/session.ts'
import { Badge } from '../../../parts/badge.tsx'
import { Button } from '../../../parts/button.tsx'
import { Confirm } from '../../../parts/dialog.tsx'
import { day, relative } from '../../../parts/format.ts'
import { Card, Section } from '../../../parts/page.tsx'
import { Banner, Empty, Failed, Waiting } from '../../../parts/states.tsx'
import { browserOf } from './browser.ts'

const limit = 100

/** Where one is signed in, and how that ends. */
export function OpenSessions() {
  const { t } = useTranslation()
  const isMachine = useSession(({ me }) => me?.kind === 'machine')
  const { data, error, refetch } = useApi('GET /sessions', { query: { limit } })
  const [isAsking, setIsAsking] = useState(false)
  const endAll = useChange('DELETE /sessions')
  return (
    <div className="grid gap-4">
      {isMachine && <Banner title={t('settings.people.machine')}>{t('settings.people.machineAbout')}</Banner>}
      <Section
        title={t('settings.sessions.title')}
        about={t(isMachine ? 'settings.sessions.aboutMachine' : 'settings.sessions.about')}
        actions={
          data !== undefined &&
          data.total > 0 && <Button onClick={() => setIsAsking(true)}>{t('settings.sessions.endAll')}</Button>
        }
      >
        {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting />)}
        {data?.total === 0 && <Empty title={t('settings.sessions.empty')} />}
        {data !== undefined && data.total > 0 && (
          <Card className="p-0">
            <ul className="divide-y">
              {data.data.map(session => (
                <One key={session.id} session={session} />
              ))}
            </ul>
          </Card>
        )}
      </Section>
      <Confirm
        isOpen={isAsking}
        isDangerous
        onClose={() => setIsAsking(false)}
        title={t('settings.sessions.endAllTitle')}
        description={t('settings.sessions.endAllAbout')}
        action={t('settings.sessions.endAll')}
        isBusy={endAll.isPending}
        error={endAll.error instanceof Error && endAll.error.message}
        onConfirm={() => endAll.mutate({}, { onSuccess: () => void signOut() })}
      />
    </div>
  )
}

function One({ session: { id, current, userAgent, createdAt, expiresAt } }: { session: Session }) {
  const { t } = useTranslation()
  const end = useChange('DELETE /sessions/:id')
  const finish = () => {
    if (current) return void signOut()
    end.mutate(
      { params: { id } },
      { onError: error => toast.error(error instanceof Error ? error.message : String(error)) },
    )
  }
  return (
    <li className="flex flex-wrap items-center gap-3 px-4 py-3">
      <Laptop aria-hidden className="size-4 text-muted-foreground" />
      <div className="grid min-w-0 flex-1 basis-52">
        <span className="flex items-center gap-2 font-medium" title={userAgent}>
          <span className="truncate">{browserOf(userAgent) ?? t('settings.sessions.unknown')}</span>
          {current && <Badge tone="good">{t('settings.sessions.this')}</Badge>}
        </span>
        <span className="text-[0.8125rem] text-muted-foreground">
          {t('settings.sessions.since', { when: relative(createdAt), until: day(expiresAt) })}
        </span>
      </div>
      <Button size="sm" isBusy={end.isPending} onClick={finish}>
        {t(current ? 'settings.sessions.endThis' : 'settings.sessions.end')}
      </Button>
    </li>
  )
}
