import { longAnswer, pictureAnswer } from './texts.ts'

/** Conversations in the node's database, in the shape of `PUT /api/chats/:id`. */
interface Said {
  readonly role: 'user' | 'assistant'
  readonly text: string
  /** The message before it, counted from 0; the one said last when missing. */
  readonly after?: number | null
  readonly [more: string]: unknown
}

interface SeedChat {
  readonly title: string
  readonly folder?: string
  readonly isPinned?: boolean
  readonly daysAgo: number
  readonly said: readonly Said[]
}

const model = 'qwen3-32b'
const facts = {
  provider: 'atelier',
  servedModel: model,
  ttftMs: 182,
  totalMs: 6_240,
  tokensPerSecond: 71.4,
  cost: '0.00142',
  currency: 'USD',
}
const ask = (text: string, more: object = {}): Said => ({ role: 'user', text, ...more })
const say = (text: string, more: object = {}): Said => ({
  ...{ role: 'assistant', text, model, facts, usage: { prompt: 412, completion: 446, cached: 128 } },
  ...more,
})
const cut = 'Ein Regenbogen entsteht, wenn Sonnenlicht in Wassertropfen gebrochen, an ihrer Rückseite gespiegelt und'

export const folders = { work: 'f0000000-0000-4000-8000-000000000001', garden: 'f0000000-0000-4000-8000-000000000002' }

export const chats = {
  long: {
    title: 'Bloom filters, explained',
    folder: folders.work,
    isPinned: true,
    daysAgo: 0,
    said: [ask('Explain Bloom filters: how often are they wrong, and what are they for? With code.'), say(longAnswer)],
  },
  branches: {
    title: 'A name for the bakery',
    daysAgo: 0,
    said: [
      ask('A name for a small bakery by the harbour?'),
      say('**The Tidal Loaf**: it says where you are, and what you sell.'),
      say('**Ebb & Crust**: short, easy to remember, and it looks good on a paper bag.', { after: 0 }),
      ask('And a line below the sign?'),
      say('*Bread on every tide.*', { reasoning: 'Something short with the sea in it. “Tide” ties in with the name.' }),
    ],
  },
  failed: {
    title: 'Summary of the meeting',
    folder: folders.work,
    daysAgo: 0,
    said: [
      ask('Sum up the notes I pasted in five points.'),
      say('', {
        ...{ state: 'failed', usage: undefined, facts: { provider: 'atelier', totalMs: 30_400 } },
        error: {
          code: 'upstream_timeout',
          message:
            'No provider of qwen3-32b answered in time: atelier took longer than 30 s. Try again, or ask another model.',
        },
      }),
    ],
  },
  funds: {
    title: 'Translate the lease',
    daysAgo: 1,
    said: [
      ask('Translate the lease into English, clause by clause.'),
      say('', {
        ...{ state: 'failed', usage: undefined, facts: {} },
        error: {
          code: 'insufficient_funds',
          message:
            'The escrow holds 0.02 PTD and this answer may cost 0.35 PTD. Deposit more, or ask a model that is free.',
        },
      }),
    ],
  },
  failover: {
    title: 'Capital of France',
    daysAgo: 1,
    said: [
      ask('What is the capital of France?'),
      say('Paris is the capital of France. It lies on the Seine, in the north of the country.', {
        facts: {
          ...facts,
          notices: [{ text: 'attic did not answer; atelier took over. Nothing was charged for the first try.' }],
        },
      }),
    ],
  },
  stopped: {
    title: 'Regenbogen',
    daysAgo: 2,
    said: [ask('Wie entsteht ein Regenbogen?'), say(cut, { state: 'stopped' })],
  },
  cut: {
    title: 'Rainbows, once more',
    daysAgo: 4,
    said: [
      ask('How does a rainbow come about?'),
      say('Sunlight is bent as it enters a drop, reflected at its back, and', {
        state: 'cut',
        error: {
          code: 'upstream_failed',
          message:
            'The connection to atelier broke in the middle of the answer. What came is kept; try again for all of it.',
        },
      }),
    ],
  },
  picture: {
    title: 'Map of the old town',
    folder: folders.garden,
    daysAgo: 9,
    said: [ask('Show me a map of the old town.'), say(pictureAnswer)],
  },
  rust: {
    title: 'Borrow checker by example',
    folder: folders.work,
    daysAgo: 3,
    said: [ask('Why does this not compile?'), say('Because…')],
  },
  soup: {
    title: 'Pumpkin soup without cream',
    isPinned: true,
    daysAgo: 5,
    said: [ask('Pumpkin soup without cream?'), say('Roast it.')],
  },
  tomatoes: {
    title: 'When to sow tomatoes',
    folder: folders.garden,
    daysAgo: 20,
    said: [ask('When do I sow tomatoes?'), say('In March.')],
  },
  letter: {
    title: 'Letter to the landlord about the heating that has been broken since October',
    daysAgo: 40,
    said: [ask('Help me write it.'), say('Of course.')],
  },
} satisfies Record<string, SeedChat>

export type ChatName = keyof typeof chats

const dayMs = 86_400_000
const minuteMs = 60_000

export function chatId(name: ChatName): string {
  return `c0000000-0000-4000-8000-${String(Object.keys(chats).indexOf(name) + 1).padStart(12, '0')}`
}

export function folderDocument(id: string, name: string, now: number) {
  return { id, name, systemPrompt: '', createdAt: now, updatedAt: now, deletedAt: null }
}

export function chatDocument(name: ChatName, now: number) {
  const { title, folder, isPinned = false, daysAgo, said }: SeedChat = chats[name]
  const id = chatId(name)
  const startedAt = now - daysAgo * dayMs - (said.length + Object.keys(chats).indexOf(name)) * minuteMs
  const idOf = (at: number) => `${id}-m${at}`
  const messages = said.map(({ after, ...each }, at) => {
    const before = after === undefined ? at - 1 : (after ?? -1)
    const createdAt = startedAt + at * minuteMs
    return {
      state: 'done',
      ...each,
      id: idOf(at),
      chatId: id,
      parentId: before < 0 ? null : idOf(before),
      createdAt,
      updatedAt: createdAt,
    }
  })
  const chat = {
    ...{ id, title, folderId: folder ?? null, isPinned, model, systemPrompt: '', parameters: {} },
    ...{
      headId: idOf(said.length - 1),
      createdAt: startedAt,
      updatedAt: startedAt + said.length * minuteMs,
      deletedAt: null,
    },
  }
  return { chat, messages }
}
