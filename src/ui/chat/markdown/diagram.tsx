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
  const isDark = document.documentElement.classList.contains('dark')
  useEffect(() => {
    if (isIncomplete || code.length > sourceMax) return
    let isGone = false
    let url: string | undefined
    draw(code, isDark)
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
  }, [code, isIncomplete, isDark])
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

/** Nothing a diagram says of itself changes how it is drawn, beyond its shapes. */
async function draw(code: string, isDark: boolean): Promise<string> {
  if (pictured.test(code)) throw new Error('a diagram with pictures of a server is not drawn')
  const { default: mermaid } = await import('mermaid')
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    htmlLabels: false,
    flowchart: { htmlLabels: false, useMaxWidth: false },
    theme: isDark ? 'dark' : 'default',
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
