import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** What keeps people from using a page, seriously or worse: rule, element, why. Empty is as it should be. */
export async function barriers(page: Page): Promise<string[]> {
  // What the page may load is bounded by its policy; this comes in by the debugger instead.
  await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ['violations'],
    })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
      )
  })
  return found
}
