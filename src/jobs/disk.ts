import { statfs } from 'node:fs/promises'
import { ParleyError } from '../core/index.ts'

/** Bytes a user may still write to the file system that holds `directory`. */
export async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

/** What a failed write means to the user. */
export function writeError(cause: NodeJS.ErrnoException): never {
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(cause.code ?? '')) {
    throw new ParleyError('disk_full', 'the disk is full; make room and run it again, it resumes', { cause })
  }
  throw new ParleyError('internal', `the directory of models cannot be written: ${cause.message}`, { cause })
}
