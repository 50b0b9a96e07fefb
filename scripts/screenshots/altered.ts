import type { Page } from 'playwright-core'

type Change = (answer: Record<string, unknown>) => object

/** What the node answers, with some of it changed: for states that a market in good health does not show. */
export async function altered(page: Page, changes: Readonly<Record<string, Change>>): Promise<void> {
  for (const [path, change] of Object.entries(changes)) {
    await page.route(
      url => url.pathname === `/api${path}`,
      async route => {
        const response = await route.fetch()
        await route.fulfill({ response, json: change((await response.json()) as Record<string, unknown>) })
      },
    )
  }
  await page.reload()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page
    .getByRole('status', { name: /^(Loading|Wird geladen)/ })
    .first()
    .waitFor({ state: 'detached' })
}
