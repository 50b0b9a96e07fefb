import { fileURLToPath } from 'node:url'
import type { Config } from '../config/index.ts'

/** Where the page is once it was built: in the package, whether the program runs as it was built or as it was written. */
export const builtUi = fileURLToPath(new URL('../../dist/ui', import.meta.url))

/** Makes addresses that let a browser in once. The code stands where neither a server nor a log gets to see it. */
export function pageLinks(
  { ui }: Pick<Config, 'ui'>,
  url: () => string,
  makeCode: () => Promise<string>,
): () => Promise<string | undefined> {
  return async () => (ui.enabled ? `${new URL(url()).origin}/#code=${await makeCode()}` : undefined)
}
