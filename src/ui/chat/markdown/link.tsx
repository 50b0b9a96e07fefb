import type { ComponentProps } from 'react'

const schemes = new Set(['http:', 'https:', 'mailto:'])

/** Shows where it leads. What is no address of the web or of a person is a text. */
export function AnswerLink({ href, children }: ComponentProps<'a'> & { node?: unknown }) {
  const url = href === undefined ? null : URL.parse(href)
  if (href?.startsWith('#')) return <span>{children}</span>
  if (url === null || !schemes.has(url.protocol)) return <span className="underline decoration-dotted">{children}</span>
  const place = url.protocol === 'mailto:' ? url.pathname : url.host
  return (
    <a
      href={url.href}
      target="_blank"
      rel="noopener noreferrer"
      title={url.href}
      className="font-medium text-primary underline underline-offset-2 wrap-anywhere"
    >
      {children}
      {!saysIt(children, place) && (
        <span className="ml-1 font-normal text-[0.8em] text-muted-foreground no-underline">({place})</span>
      )}
    </a>
  )
}

function saysIt(children: unknown, place: string): boolean {
  const text = Array.isArray(children) ? children.join('') : String(children)
  const said = URL.parse(text)
  return said !== null && (said.host === place || said.pathname === place)
}
