// Runs the tests, a folder of them a process, a few processes side by side: most tests wait for
// processes, timers and sockets and leave the machine idle.
//
//   node scripts/test.mjs                    everything
//   node scripts/test.mjs store cluster/work these folders and files of test/
//
// FETCHYARD_TEST_LANES: how many processes. Default: 2, or 1 on a machine with one core.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MOCHA = fileURLToPath(new URL('../node_modules/mocha/bin/mocha.js', import.meta.url))
const BUILT = 'dist/test'
const LANES = Number(process.env.FETCHYARD_TEST_LANES ?? Math.min(2, availableParallelism()))
/** Those that take minutes start first, so that the lanes end together. */
const LONG_FIRST = ['cluster', 'cli', 'model', 'chaos', 'simulator']
/** What a person needs to see of a failure comes last; so many lines of it are repeated. */
const FAILURE_LINES_MAX = 400

function allGroups() {
  const folders = readdirSync(`${ROOT}${BUILT}`, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => entry.parentPath.slice(`${ROOT}${BUILT}/`.length).split('/')[0])
  const names = [...new Set(folders)]
  const rank = (name) => LONG_FIRST.indexOf(name) + 1 || Infinity
  return names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}

/** Where the tests of a group are; '' stands for those that lie in no folder. */
function specOf(group) {
  if (group === '') return `${BUILT}/*.test.js`
  const path = `${BUILT}/${group}`
  if (existsSync(`${ROOT}${path}.test.js`)) return `${path}.test.js`
  return /[*@!(]/.test(group) ? path : `${path}/**/*.test.js`
}

/** Runs one group, its lines marked by its name. */
function run(group) {
  return new Promise((resolve) => {
    const name = group === '' ? 'test' : group
    const child = spawn(process.execPath, [MOCHA], {
      cwd: ROOT,
      env: { ...process.env, FETCHYARD_TEST_SPEC: specOf(group) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines = []
    let failing = null
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        process.stdout.write(`${name} | ${line}\n`)
        if (/^\s+\d+ passing/.test(line)) failing = lines.length
        lines.push(line)
      })
    }
    child.on('close', (code, signal) => {
      const said = lines.slice(failing ?? -FAILURE_LINES_MAX).slice(0, FAILURE_LINES_MAX)
      resolve({ name, isPassed: code === 0, how: signal ?? `exit code ${code}`, said })
    })
  })
}

async function lane(groups, results) {
  for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
    results.push(await run(group))
  }
}

const asked = process.argv.slice(2)
const groups = asked.length > 0 ? asked : allGroups()
const results = []
await Promise.all(Array.from({ length: LANES }, () => lane(groups, results)))
const failed = results.filter(({ isPassed }) => !isPassed)
for (const { name, how, said } of failed) {
  process.stdout.write(`\n== ${name} failed (${how})\n${said.join('\n')}\n`)
}
for (const { name, said, isPassed } of results) {
  const counts = said.filter((line) => /^\s+\d+ (?:passing|failing|pending)/.test(line))
  const words = counts.map((line) => line.trim()).join(', ')
  process.stdout.write(`${isPassed ? 'passed' : 'FAILED'}  ${name}: ${words || 'no count'}\n`)
}
process.exitCode = failed.length > 0 ? 1 : 0
