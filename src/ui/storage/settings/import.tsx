import { Upload } from 'lucide-react'
import { type DragEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { Button } from '../../parts/button.tsx'
import { cn } from '../../parts/class.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Input } from '../../parts/field.tsx'
import { percent } from '../../parts/format.ts'
import { Section } from '../../parts/page.tsx'
import { openHome } from '../store.ts'
import type { FileContent } from '../transfer/read-file.ts'
import type { Skip } from '../transfer/report.ts'
import type { Plan } from '../transfer/take-in.ts'

interface Preview {
  readonly name: string
  readonly content: FileContent
  readonly plan: Plan
}

async function readPreview(file: File): Promise<Preview> {
  const [{ fileMostBytes, readFile }, { planOf }] = await Promise.all([
    import('../transfer/read-file.ts'),
    import('../transfer/take-in.ts'),
  ])
  // What is too large is not even read.
  const bytes = new Uint8Array(await file.slice(0, fileMostBytes + 1).arrayBuffer())
  const content = await readFile(bytes)
  const { home } = await openHome()
  return { name: file.name, content, plan: await planOf(home, content.collection) }
}

export function ImportSection() {
  const { t } = useTranslation()
  const input = useRef<HTMLInputElement>(null)
  const [isOver, setIsOver] = useState(false)
  const [isReading, setIsReading] = useState(false)
  const [preview, setPreview] = useState<Preview>()
  const read = async (file: File | undefined) => {
    if (file === undefined) return
    setIsReading(true)
    try {
      setPreview(await readPreview(file))
    } catch (cause) {
      toast.error(String(cause))
    } finally {
      setIsReading(false)
    }
  }
  const target = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault()
      setIsOver(true)
    },
    onDragLeave: () => setIsOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault()
      setIsOver(false)
      void read(event.dataTransfer.files[0])
    },
  }
  return (
    <Section title={t('storage.import.title')}>
      <div
        className={cn(
          'grid h-full content-start gap-3 rounded-lg border border-dashed bg-card p-4',
          isOver && 'border-primary bg-accent',
        )}
        {...target}
      >
        <p className="text-muted-foreground">{t('storage.import.about')}</p>
        <div className="flex flex-wrap items-center gap-2">
          <Button isBusy={isReading} onClick={() => input.current?.click()}>
            {!isReading && <Upload aria-hidden />}
            {t(isReading ? 'storage.import.reading' : 'storage.import.choose')}
          </Button>
          <span className="text-muted-foreground max-md:hidden">{t('storage.import.drop')}</span>
        </div>
        <input
          ref={input}
          type="file"
          hidden
          accept=".json,.zip,application/json,application/zip"
          aria-label={t('storage.import.choose')}
          onChange={event => {
            void read(event.target.files?.[0])
            event.target.value = ''
          }}
        />
      </div>
      {preview !== undefined && <PreviewDialog preview={preview} onClose={() => setPreview(undefined)} />}
    </Section>
  )
}

/** What would be written, before it is. */
function PreviewDialog({ preview: { name, content, plan }, onClose }: { preview: Preview; onClose: () => void }) {
  const { t } = useTranslation()
  const [share, setShare] = useState<number>()
  const [passphrase, setPassphrase] = useState('')
  const [error, setError] = useState<string>()
  const { collection, skipped, keys, format } = content
  const isEmpty = collection.chats.length === 0 && collection.folders.length === 0 && keys === undefined
  const write = async () => {
    setShare(0)
    setError(undefined)
    try {
      if (keys !== undefined && passphrase !== '') {
        const { takeConnections } = await import('../transfer/keys.ts')
        if (!(await takeConnections(passphrase, keys))) return setError(t('storage.import.keysWrong'))
      }
      const { takeIn } = await import('../transfer/take-in.ts')
      const { home } = await openHome()
      await takeIn(home, collection, done => setShare(done / collection.chats.length))
      toast.success(t('storage.import.done', { count: collection.chats.length }))
      onClose()
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause))
    } finally {
      setShare(undefined)
    }
  }
  const lines = [
    plan.newChats > 0 && t('storage.import.newChats', { count: plan.newChats }),
    plan.mergedChats > 0 && t('storage.import.mergedChats', { count: plan.mergedChats }),
    plan.messages > 0 && t('storage.import.messages', { count: plan.messages }),
    plan.folders > 0 && t('storage.import.folders', { count: plan.folders }),
  ].filter(line => line !== false)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('storage.import.preview', { name })}
      description={format === undefined ? t('storage.import.nothing') : t(`storage.import.formats.${format}`)}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          {!isEmpty && (
            <Button look="primary" isBusy={share !== undefined} onClick={() => void write()}>
              {t('storage.import.action')}
              {share !== undefined && ` ${percent(share, 0)}`}
            </Button>
          )}
        </>
      }
    >
      <div className="grid gap-4">
        {format !== undefined && isEmpty && <p>{t('storage.import.nothing')}</p>}
        {lines.length > 0 && (
          <ul className="tabular list-disc pl-5">
            {lines.map(line => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
        {keys !== undefined && (
          <Field label={t('storage.vault.passphrase')} hint={t('storage.import.keys')}>
            <Input type="password" value={passphrase} onChange={event => setPassphrase(event.target.value)} />
          </Field>
        )}
        <Skipped skipped={skipped} />
        {error !== undefined && (
          <p role="alert" className="text-destructive">
            {error}
          </p>
        )}
      </div>
    </Dialog>
  )
}

function Skipped({ skipped }: { skipped: readonly Skip[] }) {
  const { t } = useTranslation()
  if (skipped.length === 0) return null
  return (
    <section className="grid gap-1">
      <h3 className="font-medium">{t('storage.import.skipped')}</h3>
      <ul className="max-h-40 list-disc overflow-y-auto pl-5 break-words text-muted-foreground">
        {skipped.map(({ reason, what, count }) => {
          const facts = { reason: t(`storage.import.reasons.${reason}`), what }
          return (
            <li key={`${reason} ${what}`}>
              {count > 1
                ? t('storage.import.skippedMany', { ...facts, count })
                : what === '–'
                  ? facts.reason
                  : t('storage.import.skippedLine', facts)}
            </li>
          )
        })}
      </ul>
    </section>
  )
}
