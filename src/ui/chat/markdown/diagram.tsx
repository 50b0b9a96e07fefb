import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { CustomRendererProps } from 'streamdown'

/** Letters of a diagram: what is longer takes its layout too long. */
const sourceMax = 20_000
/** Shapes that are pictures of somebody's server: to know their size they would be loaded. */
const pictured = /@\{[^}]*\bimg\b/i
let drawn = 0

/**
 * A diagram, drawn once it is whole. It is shown as a picture of its own: what is in it can neither run nor load anything, nor
 * change how the page looks.
 */
export function Diagram({ code, isIncomplete }: CustomRendererProps) {
  const { t } = useTranslation()
  const [picture, setPicture] = useState<{ url: string } | 'failed'>()
  const theme = useTheme()
  useEffect(() => {
    if (isIncomplete || code.length > sourceMax) return
    let isGone = false
    let url: string | undefined
    draw(code, theme)
      .then(svg => {
        if (isGone) return
        url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
        setPicture({ url })
      })
      .catch(() => isGone || setPicture('failed'))
    return () => {
      isGone = true
      if (url !== undefined) URL.revokeObjectURL(url)
    }
  }, [code, isIncomplete, theme])
  if (typeof picture === 'object') {
    return (
      <figure className="my-4 overflow-x-auto rounded-lg border bg-card p-3">
        <img src={picture.url} alt={t('chat.diagram.of', { source: code })} className="mx-auto max-w-full" />
      </figure>
    )
  }
  return (
    <figure className="my-4 overflow-x-auto rounded-lg border bg-card p-3">
      <figcaption className="mb-2 text-xs text-muted-foreground">
        {picture === 'failed' ? t('chat.diagram.failed') : t('chat.diagram.drawing')}
      </figcaption>
      <pre className="font-mono text-[0.8125rem]">{code}</pre>
    </figure>
  )
}

/** Changes when the page takes other colours. */
function useTheme(): string {
  const [theme, setTheme] = useState(() => document.documentElement.className)
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(document.documentElement.className))
    observer.observe(document.documentElement, { attributeFilter: ['class'] })
    return () => observer.disconnect()
  }, [])
  return theme
}

/** Those of the page. */
function colours(theme: string): Record<string, string | boolean> {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    darkMode: theme.split(' ').includes('dark'),
    ...{ background: of('card'), mainBkg: of('accent'), nodeBorder: of('primary'), primaryColor: of('accent') },
    ...{ primaryTextColor: of('foreground'), primaryBorderColor: of('primary'), secondaryColor: of('secondary') },
    ...{ tertiaryColor: of('muted'), lineColor: of('muted-foreground'), textColor: of('foreground') },
    ...{
      edgeLabelBackground: of('card'),
      dropShadow: 'none',
      clusterBkg: of('muted'),
      clusterBorder: of('border'),
      fontSize: '14px',
    },
  }
}

/** Nothing a diagram says of itself changes how it is drawn, beyond its shapes. */
async function draw(code: string, theme: string): Promise<string> {
  if (pictured.test(code)) throw new Error('a diagram with pictures of a server is not drawn')
  const { default: mermaid } = await import('mermaid')
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    htmlLabels: false,
    flowchart: { htmlLabels: false, useMaxWidth: false },
    theme: 'base',
    themeVariables: colours(theme),
    fontFamily: 'system-ui, sans-serif',
    suppressErrorRendering: true,
    maxTextSize: sourceMax,
    secure: [
      ...['secure', 'securityLevel', 'startOnLoad', 'maxTextSize', 'suppressErrorRendering', 'maxEdges'],
      ...['themeCSS', 'themeVariables', 'theme', 'fontFamily', 'altFontFamily', 'htmlLabels', 'dompurifyConfig'],
    ],
  })
  const id = `diagram-${++drawn}`
  try {
    const { svg } = await mermaid.render(id, code)
    return sized(svg)
  } finally {
    document.getElementById(`d${id}`)?.remove()
  }
}

/** A picture needs a size of its own; a drawing has that of its view. */
function sized(svg: string): string {
  const root = new DOMParser().parseFromString(svg, 'text/html').querySelector('svg')
  if (root === null) return svg
  const [, , width, height] = (root.getAttribute('viewBox') ?? '').split(/[\s,]+/).map(Number)
  if (width && height) {
    root.setAttribute('width', String(Math.ceil(width)))
    root.setAttribute('height', String(Math.ceil(height)))
  }
  root.removeAttribute('style')
  return new XMLSerializer().serializeToString(root)
}
