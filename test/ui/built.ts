import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')

/** Where the pages are, built of what is in `src/ui` now. */
export async function builtPages(): Promise<string> {
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build-ui.ts'), '--if-needed'])
  return join(root, 'dist/ui')
}
