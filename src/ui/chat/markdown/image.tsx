import { ImageOff, Image as Picture } from 'lucide-react'
import { type ComponentProps, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { request } from '../../client/api.ts'
import { isNode } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'

const schemes = new Set(['http:', 'https:'])

/** A picture in an answer loads only when it is asked for: its address alone could tell somebody what was said. */
export function AnswerImage({ src, alt = '' }: ComponentProps<'img'> & { node?: unknown }) {
  const { t } = useTranslation()
  const [shown, setShown] = useState<string>()
  const [state, setState] = useState<{ isBusy: boolean; failure?: string }>({ isBusy: false })
  useEffect(() => () => void (shown !== undefined && URL.revokeObjectURL(shown)), [shown])
  const url = typeof src === 'string' ? URL.parse(src) : null
  if (url === null || !schemes.has(url.protocol)) {
    return <span className="text-muted-foreground">[{alt || t('chat.image.refused')}]</span>
  }
  if (shown !== undefined) return <img src={shown} alt={alt} className="my-2 max-h-96 max-w-full rounded-md border" />
  const load = async () => {
    setState({ isBusy: true })
    try {
      const response = await request('POST /media', { body: { url: url.href } })
      setShown(URL.createObjectURL(await response.blob()))
    } catch (error) {
      setState({ isBusy: false, failure: error instanceof Error ? error.message : String(error) })
    }
  }
  return (
    <span className="my-2 inline-flex max-w-full flex-wrap items-center gap-2 rounded-md border border-dashed px-3 py-2 text-sm">
      {state.failure !== undefined ? (
        <ImageOff aria-hidden className="size-4" />
      ) : (
        <Picture aria-hidden className="size-4" />
      )}
      <span className="min-w-0 break-words text-muted-foreground">
        {state.failure ?? (alt || t('chat.image.name'))}
      </span>
      {isNode ? (
        <Button size="sm" isBusy={state.isBusy} onClick={() => void load()}>
          {t('chat.image.load', { host: url.host })}
        </Button>
      ) : (
        <Button size="sm" asChild>
          <a href={url.href} target="_blank" rel="noopener noreferrer">
            {t('chat.image.open', { host: url.host })}
          </a>
        </Button>
      )}
    </span>
  )
}
