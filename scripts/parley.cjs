#!/usr/bin/env node
// The door. Any Node can parse this file; the program behind it wants the one named in package.json.
'use strict'
const { existsSync } = require('node:fs')
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

if (isNewEnough(process.versions.node)) {
  const built = join(__dirname, '..', 'dist', 'cli', 'main.js')
  const main = existsSync(built) ? built : join(__dirname, '..', 'src', 'cli', 'main.ts')
  import(pathToFileURL(main).href)
} else {
  const node = process.env.PARLEY_REEXECUTED ? undefined : installedNode()
  if (node === undefined) fail('this Node is too old')
  else runUnder(node)
}
