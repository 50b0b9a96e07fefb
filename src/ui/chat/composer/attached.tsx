import { FileText, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../parts/button.tsx'
import { bytes } from '../../parts/format.ts'
import type { Attachment } from '../../storage/documents.ts'

interface AttachedProps {
  attachments: readonly Attachment[]
  onRemove?: (id: string) => void
}

/** The files of a prompt. */
export function Attached({ attachments, onRemove }: AttachedProps) {
  const { t } = useTranslation()
  if (attachments.length === 0) return null
  return (
    <ul aria-label={t('chat.composer.attached')} className="flex flex-wrap gap-2">
      {attachments.map(({ id, name, kind, dataUrl, bytes: size }) => (
        <li key={id} className="flex max-w-60 items-center gap-2 rounded-md border bg-card p-1 pr-2 text-[0.8125rem]">
          {kind === 'image' && dataUrl?.startsWith('data:image/') ? (
            <img src={dataUrl} alt="" className="size-10 rounded object-cover" />
          ) : (
            <span className="flex size-10 items-center justify-center rounded bg-muted">
              <FileText aria-hidden className="size-5 text-muted-foreground" />
            </span>
          )}
          <span className="min-w-0">
            <span className="block truncate" title={name}>
              {name}
            </span>
            <span className="tabular text-xs text-muted-foreground">{bytes(size)}</span>
          </span>
          {onRemove && (
            <IconButton label={t('chat.composer.removeFile', { name })} size="sm" onClick={() => onRemove(id)}>
              <X aria-hidden />
            </IconButton>
          )}
        </li>
      ))}
    </ul>
  )
}
