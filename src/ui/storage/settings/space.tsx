import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { Button } from '../../parts/button.tsx'
import { bytes, number } from '../../parts/format.ts'
import { Card, Section } from '../../parts/page.tsx'
import { chatStore, useHistory } from '../store.ts'

interface Space {
  readonly used: number
  readonly quota: number | undefined
  readonly isPersisted: boolean
}

async function readSpace(): Promise<Space> {
  const { usage = 0, quota } = (await navigator.storage?.estimate?.()) ?? {}
  return { used: usage, quota, isPersisted: (await navigator.storage?.persisted?.()) ?? false }
}

async function countMessages(): Promise<number> {
  let count = 0
  for await (const some of chatStore().allMessages()) count += some.length
  return count
}

export function SpaceSection() {
  const { t } = useTranslation()
  const { chats, folders } = useHistory()
  const [space, setSpace] = useState<Space>()
  const [messages, setMessages] = useState<number>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever chats change
  useEffect(() => {
    let isGone = false
    void readSpace().then(read => isGone || setSpace(read))
    void countMessages().then(
      count => isGone || setMessages(count),
      () => undefined,
    )
    return () => {
      isGone = true
    }
  }, [chats])
  const persist = async () => {
    const isAgreed = await navigator.storage.persist()
    if (!isAgreed) toast(t('storage.space.refused'))
    setSpace(await readSpace())
  }
  const { used = 0, quota, isPersisted } = space ?? {}
  return (
    <Section title={t('storage.space.title')}>
      <Card className="grid gap-3">
        <p className="tabular font-medium">
          {quota === undefined
            ? t('storage.space.usedOnly', { used: bytes(used) })
            : t('storage.space.used', { used: bytes(used), quota: bytes(quota) })}
        </p>
        {quota !== undefined && (
          <meter
            aria-label={t('storage.space.title')}
            min={0}
            max={quota}
            high={quota * 0.9}
            value={used}
            className="h-2 w-full"
          />
        )}
        <dl className="flex flex-wrap gap-x-6 gap-y-1">
          <Count label={t('storage.space.chats')} value={chats.length} />
          <Count label={t('storage.space.messages')} value={messages} />
          <Count label={t('storage.space.folders')} value={folders.length} />
        </dl>
        {space !== undefined && (
          <div className="flex flex-wrap items-center gap-3 text-muted-foreground">
            {t(isPersisted ? 'storage.space.persisted' : 'storage.space.notPersisted')}
            {!isPersisted && (
              <Button size="sm" onClick={() => void persist()}>
                {t('storage.space.persist')}
              </Button>
            )}
          </div>
        )}
      </Card>
    </Section>
  )
}

function Count({ label, value }: { label: string; value: number | undefined }) {
  return (
    <div className="flex gap-1.5">
      <dt className="text-muted-foreground">{label}</dt>
      <dd className="tabular font-medium">{value === undefined ? '…' : number(value)}</dd>
    </div>
  )
}
