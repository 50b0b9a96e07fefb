import type { Browser } from 'playwright-core'
import type { Managed } from '../node/treasury.ts'
import { type Visit, type VisitOptions, visit } from './browser.ts'

export function originOf({ node }: Managed): string {
  return new URL(node.url).origin
}

/** A page of the node, as whoever runs it. */
export async function enter(
  browser: Browser,
  managed: Managed,
  path: string,
  options: VisitOptions = {},
): Promise<Visit> {
  const { code } = (await managed.api('POST /auth/link', {})).body
  const entered = await visit(browser, `${originOf(managed)}${path}#code=${code}`, options)
  await entered.page.getByRole('heading', { level: 1 }).waitFor()
  return entered
}
