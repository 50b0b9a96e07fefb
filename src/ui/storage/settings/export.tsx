import { FileJson, FileText } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Tick } from '../../parts/field.tsx'
import { Card, Section } from '../../parts/page.tsx'
import { useConnections } from '../connections/connections.ts'
import { NewPassphrase, passphraseProblem } from '../connections/unlock.tsx'
import type { ChatWithMessages } from '../port.ts'
import { openHome, useHistory } from '../store.ts'
import { offer } from './offer.ts'

export function ExportSection() {
  const { t } = useTranslation()
  const isEmpty = useHistory(({ chats }) => chats.length === 0)
  const hasConnections = useConnections(({ entries }) => entries.length > 0)
  const [withKeys, setWithKeys] = useState(false)
  const [passphrase, setPassphrase] = useState('')
  const [again, setAgain] = useState('')
  const [isChecked, setIsChecked] = useState(false)
  const [busy, setBusy] = useState<'json' | 'markdown'>()
  const save = async (kind: 'json' | 'markdown', make: () => Promise<Blob>) => {
    setBusy(kind)
    const day = new Date().toISOString().slice(0, 10)
    try {
      offer(await make(), `parley-${day}.${kind === 'json' ? 'json' : 'zip'}`)
    } finally {
      setBusy(undefined)
    }
  }
  const json = async () => {
    setIsChecked(true)
    if (withKeys && passphraseProblem(passphrase, again) !== undefined) return
    await save('json', () => jsonFile(withKeys ? passphrase : undefined))
    setPassphrase('')
    setAgain('')
    setIsChecked(false)
  }
  const speakers = { user: t('storage.export.user'), assistant: t('storage.export.assistant') }
  return (
    <Section title={t('storage.export.title')}>
      <Card className="grid h-full content-start gap-3">
        <p className="text-muted-foreground">{t('storage.export.about')}</p>
        <div className="flex flex-wrap gap-2">
          <Button isBusy={busy === 'json'} disabled={isEmpty && !withKeys} onClick={() => void json()}>
            <FileJson aria-hidden />
            {t('storage.export.json')}
          </Button>
          <Button
            isBusy={busy === 'markdown'}
            disabled={isEmpty}
            onClick={() => void save('markdown', () => markdownFile(speakers))}
          >
            <FileText aria-hidden />
            {t('storage.export.markdown')}
          </Button>
        </div>
        {isEmpty && <p className="text-[0.8125rem] text-muted-foreground">{t('storage.export.empty')}</p>}
        {hasConnections && <Tick label={t('storage.export.keys')} checked={withKeys} onChange={setWithKeys} />}
        {withKeys && (
          <NewPassphrase
            value={passphrase}
            onChange={setPassphrase}
            again={again}
            onAgain={setAgain}
            isChecked={isChecked}
          />
        )}
      </Card>
    </Section>
  )
}

/** Without a passphrase no key is in it. */
async function jsonFile(passphrase: string | undefined): Promise<Blob> {
  const { exportHome } = await import('../transfer/own-format.ts')
  const { home } = await openHome()
  if (passphrase === undefined) return exportHome(home)
  const { sealConnections } = await import('../transfer/keys.ts')
  return exportHome(home, await sealConnections(passphrase))
}

async function markdownFile(speakers: { user: string; assistant: string }): Promise<Blob> {
  const { markdownZip } = await import('../transfer/markdown.ts')
  return new Blob([await markdownZip(everyChat(), speakers)], { type: 'application/zip' })
}

async function* everyChat(): AsyncGenerator<ChatWithMessages> {
  const { home } = await openHome()
  for (const { id } of await home.listChats()) {
    const found = await home.getChat(id)
    if (found !== undefined) yield found
  }
}
