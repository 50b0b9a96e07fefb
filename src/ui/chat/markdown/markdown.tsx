import { type ComponentProps, lazy, useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { harden } from 'rehype-harden'
import {
  type CustomRendererProps,
  defaultRehypePlugins,
  detectTextDirection,
  type PluginConfig,
  Streamdown,
} from 'streamdown'
import { type Needs, needsOf, withDollars } from './bounds.ts'
import { AnswerImage } from './image.tsx'
import { AnswerLink } from './link.tsx'

type Props = ComponentProps<typeof Streamdown>

/** No HTML of an answer is taken as such: without `raw` it stays a text. Addresses are looked at once more where they are drawn. */
const rehypePlugins: Props['rehypePlugins'] = [
  defaultRehypePlugins.sanitize!,
  [
    harden,
    {
      ...{ allowedLinkPrefixes: ['*'], allowedImagePrefixes: ['*'], allowedProtocols: ['mailto:'] },
      ...{ allowDataImages: false, linkBlockPolicy: 'text-only', imageBlockPolicy: 'text-only' },
    },
  ],
]

const components: Props['components'] = { a: AnswerLink, img: AnswerImage }
const controls: Props['controls'] = {
  code: { copy: true, download: true },
  table: { copy: true, download: true, fullscreen: false },
  image: false,
}
const Drawing = lazy(() => import('./diagram.tsx').then(({ Diagram }) => ({ default: Diagram })))
const renderers = [{ language: 'mermaid', component: (props: CustomRendererProps) => <Drawing {...props} /> }]

const directionLetters = 400

/** An answer as Markdown. Blocks that are whole are not drawn again while the next one comes. */
export function Markdown({ text, isStreaming }: { text: string; isStreaming: boolean }) {
  const plugins = usePlugins(needsOf(text))
  // Direction is told from each block; of a text that grows that would be told anew of all of them twenty times a second.
  const dir = isStreaming ? detectTextDirection(text.slice(0, directionLetters)) : 'auto'
  const translations = useTranslations()
  return (
    <Streamdown
      className="answer"
      dir={dir}
      {...{ rehypePlugins, components, controls, plugins, translations }}
      isAnimating={isStreaming}
      parseIncompleteMarkdown={isStreaming}
      linkSafety={{ enabled: false }}
      lineNumbers={false}
      codeBlockMaxHeight={560}
      tableMaxHeight={0}
    >
      {withDollars(text)}
    </Streamdown>
  )
}

/** Those of the same colours as others have too little contrast. */
const codeThemes: ['github-light-default', 'github-dark-default'] = ['github-light-default', 'github-dark-default']

let known: PluginConfig = { renderers }

/** Colours for code and letters for formulas come when the first of each is seen. */
function usePlugins({ code, math }: Needs): PluginConfig {
  const [plugins, setPlugins] = useState(known)
  useEffect(() => {
    let isGone = false
    const load = async () => {
      if (code && known.code === undefined) {
        const { createCodePlugin } = await import('@streamdown/code')
        known = { ...known, code: createCodePlugin({ themes: codeThemes }) }
      }
      if (math && known.math === undefined) {
        const [{ createMathPlugin }] = await Promise.all([import('@streamdown/math'), import('./formulas.ts')])
        known = { ...known, math: createMathPlugin() }
      }
      if (!isGone) setPlugins(known)
    }
    if (code || math) void load().catch(() => undefined)
    return () => {
      isGone = true
    }
  }, [code, math])
  return plugins
}

function useTranslations(): Props['translations'] {
  const { t } = useTranslation()
  return useMemo(
    () => ({
      ...{ close: t('common.close'), copied: t('common.copied'), copyCode: t('chat.markdown.copyCode') },
      ...{ downloadFile: t('chat.markdown.download'), copyTable: t('chat.markdown.copyTable') },
      ...{ copyTableAsCsv: 'CSV', copyTableAsMarkdown: 'Markdown', copyTableAsTsv: 'TSV' },
      ...{ downloadTable: t('chat.markdown.downloadTable'), downloadTableAsCsv: 'CSV' },
      ...{ downloadTableAsMarkdown: 'Markdown', imageNotAvailable: t('chat.image.refused') },
    }),
    [t],
  )
}
