import { pullModel } from '../../src/jobs/index.ts'

/** A pull in a process of its own, for tests that kill it: source and directory are the arguments. */
const [source = '', directory = ''] = process.argv.slice(2)
const onProgress = ({ bytes }: { bytes: number }) => process.stdout.write(`${bytes}\n`)
await pullModel({ source, directory, signal: new AbortController().signal, environment: {}, onProgress })
process.stdout.write('whole\n')
