import type { Words } from '../words.ts'
import { app } from './app.ts'
import { chat } from './chat.ts'
import { common } from './common.ts'
import { money } from './money.ts'
import { node } from './node.ts'
import { settings } from './settings.ts'
import { signIn } from './sign-in.ts'
import { storage } from './storage.ts'

export const de: Words = { common, app, signIn, chat, storage, node, money, settings }
