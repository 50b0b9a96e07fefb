import { spawn } from 'node:child_process'

export interface Desk {
  readonly env: NodeJS.ProcessEnv
  readonly stdout: Pick<NodeJS.WriteStream, 'isTTY'>
  readonly stderr: Pick<NodeJS.WriteStream, 'isTTY'>
  readonly platform?: NodeJS.Platform
}

/** Whether somebody sits here who would see a browser. */
export function hasBrowser({ env, stdout, stderr, platform = process.platform }: Desk): boolean {
  if (!stdout.isTTY || !stderr.isTTY || env.CI) return false
  return platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}

/** Opens an address in the browser of whoever sits here, if anybody does; that it could not is not told, as the address is. */
export function openBrowser(url: string, desk: Desk): boolean {
  if (!hasBrowser(desk)) return false
  const [command, ...args] = openers[desk.platform ?? process.platform] ?? ['xdg-open']
  const child = spawn(command, [...args, url], { env: desk.env, stdio: 'ignore', detached: true })
  child.on('error', () => undefined).unref()
  return true
}

type Opener = readonly [string, ...string[]]

const openers: Readonly<Partial<Record<NodeJS.Platform, Opener>>> = {
  darwin: ['open'],
  // The first thing in quotes would be the title of a window.
  win32: ['cmd', '/c', 'start', ''],
}
