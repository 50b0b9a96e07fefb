import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createWriter, openStore, type StorePlace } from '../../src/store/index.ts'
import { archived, call } from './sql/calls.ts'

/** Puts a row every few milliseconds and says when it did, until it is killed. */
const [place, folder] = JSON.parse(process.argv[2]!) as [StorePlace, string]
const store = await openStore(place, { clock: systemClock, random: systemRandom })
const writer = createWriter({ store, spool: { folder } })
const names = `${process.pid}`.padStart(8, '0')
for (let at = 0; ; at++) {
  const id = `${names}-0000-7000-8000-${String(at).padStart(12, '0')}`
  writer.putRequest(archived(call({ id, timestamp: Date.now() }), `question ${at}`, `answer ${at}`))
  process.stdout.write(`${Date.now()} ${id}\n`)
  await new Promise(resolve => setTimeout(resolve, 4))
}
