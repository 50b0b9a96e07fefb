import { cpus, loadavg } from 'node:os'
import { createMemoryHome } from '../../src/ui/storage/memory-home.ts'
import { createChatSearch } from '../../src/ui/storage/search.ts'
import { openBrowser } from '../../test/ui/browser.ts'
import { builtPages } from '../../test/ui/built.ts'
import {
  chapter,
  composer,
  firstLoadBytes,
  framesWhile,
  keepChat,
  largestPaintMs,
  openingMs,
  percentile,
  signedIn,
} from '../../test/ui/measures.ts'
import { startNode } from '../../test/ui/node.ts'
import { startUpstream } from '../../test/ui/upstream.ts'
import { type Line, lineOf, table } from './lines.ts'

const slowdown = 4
const streamingMs = 6_000
const queries = ['bridge', 'river stone', 'message 77', 'window of the', 'qui']

/** The pages, in a real browser, against a node with a service that writes 125 tokens a second. */
async function measurePages(): Promise<Line[]> {
  await builtPages()
  const upstream = await startUpstream('writer', () => ({ text: chapter, pieceLength: 4, everyMs: 8, atOnce: 60_000 }))
  const node = await startNode(`${upstream.config}[models]\nnano = false\n`)
  const browser = await openBrowser()
  try {
    const bytes = await firstLoadBytes(browser, node.pageUrl)
    const paints: number[] = []
    for (let round = 0; round < 3; round++)
      paints.push(await largestPaintMs(browser, await node.newPageUrl(), slowdown))
    const paint = percentile(
      paints.toSorted((a, b) => a - b),
      0.5,
    )
    const writing = await signedIn(browser, node)
    await composer(writing.page).fill('Write.')
    await composer(writing.page).press('Enter')
    await writing.page.getByText('Part 80').first().waitFor()
    const frames = await framesWhile(writing.page, streamingMs)
    await writing.context.close()
    const reading = await signedIn(browser, node)
    const kept = await keepChat(reading.page, 1_000)
    await reading.page.reload()
    await composer(reading.page).waitFor()
    const opening = await openingMs(reading.page, kept)
    await reading.context.close()
    return [
      bounded('pages: first load, compressed', bytes / 1_000, 'kB', 350),
      bounded(`pages: largest paint, processor ${slowdown} times slower`, paint, 'ms', 1_500),
      bounded('pages: p95 frame, 125 tokens/s into 60 kB', percentile(frames, 0.95), 'ms', 33),
      bounded('pages: a chat of 1,000 messages opens', opening, 'ms', 300),
      bounded('pages: search over 10,000 messages, slowest', await searchMs(), 'ms', 50),
    ]
  } finally {
    await browser.close()
    await node.stop()
    await upstream.close()
  }
}

function bounded(what: string, value: number, unit: string, most: number): Line {
  return lineOf(what, `${value.toFixed(0)} ${unit}`, { value, target: `≤ ${most} ${unit}`, isMet: value <= most })
}

async function searchMs(): Promise<number> {
  const home = createMemoryHome()
  const words = ['bridge', 'river', 'stone', 'window', 'quiet', 'letter', 'garden', 'north', 'paper', 'glass']
  const chats = Array.from({ length: 100 }, (_, at) => ({
    ...{ id: crypto.randomUUID(), title: `Chat ${at}`, folderId: null, isPinned: false, model: null, systemPrompt: '' },
    ...{ parameters: {}, headId: null, createdAt: at, updatedAt: at, deletedAt: null },
  }))
  const messages = chats.flatMap(({ id: chatId }, chat) =>
    Array.from({ length: 100 }, (_, at) => ({
      ...{ id: crypto.randomUUID(), chatId, parentId: null, role: 'user' as const, state: 'done' as const },
      ...{ createdAt: at, updatedAt: at },
      text: `message ${chat * 100 + at}: ${Array.from({ length: 60 }, (_, word) => words[(chat * 7 + at * 3 + word * word) % words.length]).join(' ')} of the day`,
    })),
  )
  await home.merge({ chats, messages, folders: [] })
  const search = createChatSearch(home, () => Promise.resolve())
  await search.ready
  const times = queries.map(query => {
    const startedAt = performance.now()
    search.search(query)
    return performance.now() - startedAt
  })
  search.stop()
  home.close()
  return Math.max(...times)
}

const load = loadavg()[0]!.toFixed(1)
const lines = await measurePages()
const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, load ${load}`
process.stdout.write(`${machine}\n\n${table(lines)}\n`)
