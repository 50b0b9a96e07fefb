import { type ReactNode, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Dot, type Tone } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { relative } from '../../parts/format.ts'
import { keepChoice, useStorageChoice } from '../choice.ts'
import { allowFile, canKeepFile, chooseFile, useFile } from '../file-home.ts'
import { useSync } from '../node-home.ts'
import { openHome } from '../store.ts'
import { offer } from './offer.ts'

const everyMs = 15_000

/** Times like "2 minutes ago" go on. */
function useTicking(): void {
  const [, setTurn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setTurn(turn => turn + 1), everyMs)
    return () => clearInterval(timer)
  }, [])
}

const fileTones = {
  saved: 'good',
  saving: 'accent',
  changed: 'accent',
  none: 'warning',
  ask: 'warning',
  manual: 'neutral',
  failed: 'bad',
} as const

export function FileStatus() {
  const { t } = useTranslation()
  useTicking()
  const { state, name = '' } = useFile()
  const { savedAt } = useStorageChoice()
  const when = savedAt === undefined ? t('common.never') : relative(savedAt)
  const withFile = async (act: typeof chooseFile) => {
    const { home, database } = await openHome()
    // Who closes the picker has chosen nothing.
    if (database !== undefined) await act(home, database).catch(() => undefined)
  }
  return (
    <Line tone={fileTones[state]} text={t(`storage.homes.fileStates.${state}`, { name, when })}>
      {canKeepFile() && state === 'ask' && (
        <Button size="sm" look="primary" onClick={() => void withFile(allowFile)}>
          {t('storage.homes.fileAllow')}
        </Button>
      )}
      {canKeepFile() ? (
        <Button size="sm" onClick={() => void withFile(chooseFile)}>
          {t('storage.homes.fileChoose')}
        </Button>
      ) : (
        <Button size="sm" onClick={() => void download()}>
          {t('storage.homes.fileDownload')}
        </Button>
      )}
    </Line>
  )
}

async function download(): Promise<void> {
  const { exportHome } = await import('../transfer/own-format.ts')
  offer(await exportHome((await openHome()).home), 'parley-chats.json')
  keepChoice({ savedAt: Date.now() })
}

export function NodeStatus() {
  const { t } = useTranslation()
  useTicking()
  const { state, unsent, refusals, syncedAt } = useSync()
  const when = syncedAt === undefined ? '' : relative(syncedAt)
  const tone = { idle: 'good', working: 'accent', away: 'warning' } as const
  return (
    <div className="grid gap-1">
      <Line tone={tone[state]} text={t(`storage.homes.sync.${state}`, { when })}>
        {unsent > 0 && t('storage.homes.sync.unsent', { count: unsent })}
      </Line>
      {refusals.map(reason => (
        <p key={reason} className="text-destructive">
          {t('storage.homes.sync.refused', { reason })}
        </p>
      ))}
    </div>
  )
}

function Line({ tone, text, children }: { tone: Tone; text: string; children?: ReactNode }) {
  return (
    <div role="status" className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-2 text-[0.8125rem]">
      <span className="flex items-center gap-2">
        <Dot tone={tone} />
        {text}
      </span>
      {children}
    </div>
  )
}
