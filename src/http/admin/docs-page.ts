import { hash } from 'node:crypto'
import type { DocumentPage, OpenApi, Operation } from './openapi.ts'

const style = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;text-transform:capitalize}
details{border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:.4rem;margin:.4rem 0;padding:.5rem .8rem}
summary{cursor:pointer}
code,pre{font:.9em/1.45 ui-monospace,monospace}
pre{overflow:auto;padding:.6rem;background:color-mix(in srgb,currentColor 6%,transparent);border-radius:.3rem}
.method{display:inline-block;width:4.2rem;font-weight:600}
.role{float:right;opacity:.7}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0}`

/** The document as a page without scripts, and the policy that lets it have its style and nothing else. */
export function pageOf(document: OpenApi): DocumentPage {
  const groups = new Map<string, string[]>()
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [group = ''] = operation.tags
      groups.set(group, [...(groups.get(group) ?? []), section(method, path, operation)])
    }
  }
  const body = [...groups].map(
    ([group, sections]) => `<section><h2>${escaped(group)}</h2>${sections.join('')}</section>`,
  )
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details id="${escaped(name)}"><summary><code>${escaped(name)}</code></summary>${code(schema)}</details>`,
  )
  const { title, version, description } = document.info
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)} API</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>${style}</style></head><body>
<h1>${escaped(title)} ${escaped(version)}</h1><p>${worded(description)} As <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>
${body.join('\n')}<section><h2>schemas</h2>${schemas.join('\n')}</section></body></html>`
  const digest = hash('sha256', style, 'base64')
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  return { html, policy }
}

function section(method: string, path: string, operation: Operation): string {
  const { summary, parameters, requestBody, responses } = operation
  const rows = parameters.map(
    ({ name, in: place, description = '', schema }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${place}</td><td>${worded(description)} <code>${escaped(JSON.stringify(schema))}</code></td></tr>`,
  )
  const answers = Object.entries(responses).map(
    ([status, { content }]) => `<h4>${escaped(status)}</h4>${content === undefined ? '' : contents(content)}`,
  )
  return `<details><summary><code><span class="method">${escaped(method.toUpperCase())}</span>${escaped(path)}</code>
<span class="role">${escaped(operation['x-role'])}</span><br>${worded(summary)}</summary>
${rows.length === 0 ? '' : `<table>${rows.join('')}</table>`}
${requestBody === undefined ? '' : `<h4>Body${requestBody.required ? '' : ', if there is one'}</h4>${contents(requestBody.content)}`}${answers.join('')}</details>`
}

/** Of each media type its schema; one that has a name is a way to it. */
function contents(content: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(content).map(([type, media]) => {
    const { schema = {} } = Object(media) as { readonly schema?: object }
    const name = /^#\/components\/schemas\/(\w+)$/.exec(String(Object(schema).$ref))?.[1]
    const shown = name === undefined ? code(schema) : `: <a href="#${escaped(name)}">${escaped(name)}</a>`
    return `<code>${escaped(type)}</code>${Object.keys(schema).length === 0 ? '' : shown}`
  })
  return parts.join('')
}

/** Words with names in backticks. */
function worded(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

function code(value: unknown): string {
  return `<pre>${escaped(JSON.stringify(value, undefined, 2))}</pre>`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, sign => entities[sign] ?? sign)
}
