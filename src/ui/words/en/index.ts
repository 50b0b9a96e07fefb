import { app } from './app.ts'
import { chat } from './chat.ts'
import { common } from './common.ts'
import { money } from './money.ts'
import { node } from './node.ts'
import { settings } from './settings.ts'
import { signIn } from './sign-in.ts'
import { storage } from './storage.ts'

/** Every text of the pages, in the language the others are measured by. */
export const en = { common, app, signIn, chat, storage, node, money, settings }
