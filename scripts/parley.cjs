#!/usr/bin/env node
// The door. Any Node can parse this file; the program behind it wants the one named in package.json.
'use strict'
const { accessSync, constants, existsSync } = require('node:fs')
const { homedir } = require('node:os')
const { dirname, join } = require('node:path')
const { pathToFileURL } = require('node:url')

const wanted = [22, 18]

function isNewEnough(version) {
  const parts = version.split('.').map(Number)
  return parts[0] > wanted[0] || (parts[0] === wanted[0] && parts[1] >= wanted[1])
}

/** The Node that was installed beside this package, here or in a directory above. */
function installedNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let directory = dirname(__dirname); ; directory = dirname(directory)) {
    const path = join(directory, 'node_modules', 'node', 'bin', name)
    if (existsSync(path)) return path
    if (dirname(directory) === directory) return undefined
  }
}

/** Runs this very command under another Node and ends as it ends. */
function runUnder(node) {
  const { spawn } = require('node:child_process')
  const child = spawn(node, [__filename].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { PARLEY_REEXECUTED: '1' }),
  })
  // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (signal !== 'SIGINT' || !process.stdin.isTTY ? child.kill(signal) : undefined))
  }
  child.on('error', error => fail(`${node} does not start: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

function fail(what) {
  process.stderr.write(
    `error: ${what}\n` +
      `  why: this is Node ${process.versions.node}, Parley needs ${wanted.join('.')} or newer\n` +
      '  next: install Node 24 from https://nodejs.org, or run `npm install` where Parley is installed\n',
  )
  process.exit(1)
}

/**
 * A node that only buys waits more than it computes. Its old generation grows by half instead of fourfold, its young one stays
 * at two megabytes, and one optimizing compiler is left out, whose memory no other use would fill again: 30 MB under load.
 */
const smallHeap = ['--no-maglev', '--max-semi-space-size=2', '--heap-growing-percent=80']

/**
 * Threads that allocate get heaps of their own from the system's allocator, which an idle process cannot use again: six
 * megabytes. The allocator and the young generation are set when a process begins, so this one begins again in its place.
 */
function beginAgain() {
  if (process.platform !== 'linux' || process.execve === undefined || process.env.MALLOC_ARENA_MAX) return
  const env = Object.assign({}, process.env, { MALLOC_ARENA_MAX: '1' })
  const words = [process.execPath].concat(process.execArgv, smallHeap, __filename, process.argv.slice(2))
  process.execve(process.execPath, words, env)
}

function keepSmall() {
  const { setFlagsFromString } = require('node:v8')
  for (const flag of smallHeap) setFlagsFromString(flag)
}

/** What was compiled once is kept for the next start: beside the program, or with this user's caches where that is not theirs. */
function keepCompiled() {
  const { enableCompileCache } = require('node:module')
  if (enableCompileCache === undefined) return
  const root = dirname(__dirname)
  const { HOME, PARLEY_HOME, XDG_CACHE_HOME } = process.env
  const own = PARLEY_HOME
    ? join(PARLEY_HOME, 'cache')
    : join(XDG_CACHE_HOME || join(HOME || homedir(), '.cache'), 'parley')
  enableCompileCache(isWritable(root) ? join(root, 'node_modules', '.cache', 'parley') : join(own, 'compiled'))
}

function isWritable(directory) {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

if (isNewEnough(process.versions.node)) {
  if (!process.argv.some(word => word === 'provide' || word === '--provide')) {
    if (process.argv[2] === 'up') beginAgain()
    keepSmall()
  }
  keepCompiled()
  const built = join(__dirname, '..', 'dist', 'cli', 'main.js')
  const main = existsSync(built) ? built : join(__dirname, '..', 'src', 'cli', 'main.ts')
  import(pathToFileURL(main).href)
} else {
  const node = process.env.PARLEY_REEXECUTED ? undefined : installedNode()
  if (node === undefined) fail('this Node is too old')
  else runUnder(node)
}
