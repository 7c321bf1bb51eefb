// Runs the tests, a folder of them a process, a few processes side by side: most tests wait for
// processes, timers and sockets and leave the machine idle.
//
//   node scripts/test.mjs                    everything
//   node scripts/test.mjs store cluster/work these folders and files of test/
//
// FETCHYARD_TEST_LANES: how many processes. Default: 2, or 1 on a machine with one core.
//
// Nothing waits for ever: a group that says nothing for minutes is ended with what it waits for, and
// so is one whose tests have passed but whose process does not end.

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
/** The longest single test is silent for about three minutes on a busy machine. */
const SILENT_MS = 10 * 60_000
/** For the process to end after its last test. */
const ENDING_MS = 60_000
/** For a report of what it waits for. */
const REPORT_MS = 5_000
/** For the last lines after the process ended. */
const PIPES_MS = 5_000

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

/** Says on stderr what it waits for when it gets SIGUSR2. */
const REPORT = ['--report-on-signal', '--report-signal=SIGUSR2', '--report-filename=stderr']

/** What keeps a process up that should have ended, of the report it printed. */
function waitsFor(lines) {
  const start = lines.lastIndexOf('{')
  if (start < 0) return ['no report']
  try {
    const report = JSON.parse(lines.slice(start).join('\n'))
    const handles = report.libuv.filter((handle) => handle.is_active && handle.is_referenced)
    const frames = report.javascriptStack.stack ?? []
    return [...frames, ...handles.map((handle) => JSON.stringify(handle))]
  } catch (error) {
    return [`no report that can be read: ${error.message}`]
  }
}

/** Ends a group that stands still, after asking it why. */
class Watch {
  #timer
  #lines
  #child
  stalled = null

  constructor(child, lines) {
    this.#child = child
    this.#lines = lines
    this.expect(SILENT_MS, `said nothing for ${SILENT_MS / 60_000} min`)
  }

  /** From now on, a word is to come within this time. */
  expect(ms, otherwise) {
    clearTimeout(this.#timer)
    if (this.stalled === null) this.#timer = setTimeout(() => this.#end(otherwise), ms)
  }

  stop() {
    clearTimeout(this.#timer)
  }

  #end(otherwise) {
    this.stalled = otherwise
    const before = this.#lines.length
    this.#child.kill('SIGUSR2')
    setTimeout(() => {
      const words = waitsFor(this.#lines.slice(before))
      process.stdout.write(`== ${otherwise}; it waits for:\n${words.join('\n')}\n`)
      killGroup(this.#child.pid)
    }, REPORT_MS)
  }
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const pid of running) killGroup(pid)
    process.exit(1)
  })
}

/** Runs one group, its lines marked by its name. */
function run(group) {
  return new Promise((resolve) => {
    const name = group === '' ? 'test' : group
    const child = spawn(process.execPath, [...REPORT, MOCHA], {
      cwd: ROOT,
      env: { ...process.env, FETCHYARD_TEST_SPEC: specOf(group) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of processes of its own, so that what it leaves behind ends with it.
      detached: true,
    })
    running.add(child.pid)
    const lines = []
    const watch = new Watch(child, lines)
    let ended = null
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (watch.stalled === null) process.stdout.write(`${name} | ${line}\n`)
        const isSummary = ended === null && /^\s+\d+ passing/.test(line)
        if (isSummary) ended = lines.length
        lines.push(line)
        // Once: what a test left behind may go on talking.
        if (isSummary) watch.expect(ENDING_MS, 'has run its tests and does not end')
        else if (ended === null) {
          watch.expect(SILENT_MS, `said nothing for ${SILENT_MS / 60_000} min`)
        }
      })
    }
    // A process that a test left behind may hold these pipes, so their end is not waited for long.
    child.on('exit', () => {
      watch.stop()
      running.delete(child.pid)
      setTimeout(() => {
        killGroup(child.pid)
        for (const stream of [child.stdout, child.stderr]) stream.destroy()
      }, PIPES_MS).unref()
    })
    child.on('close', (code, signal) => {
      const said = lines.slice(ended ?? -FAILURE_LINES_MAX).slice(0, FAILURE_LINES_MAX)
      const isOver = ended !== null && !said.some((line) => /^\s+\d+ failing/.test(line))
      const how = watch.stalled ?? signal ?? `exit code ${code}`
      // Left open by a test, most likely: said aloud, but what was tested has passed.
      const isPassed = isOver && (code === 0 || watch.stalled !== null)
      resolve({ name, isPassed, how, said, stalled: watch.stalled })
    })
  })
}

async function lane(groups, results) {
  for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
    results.push(await run(group))
  }
}

if (!(Number.isInteger(LANES) && LANES >= 1)) {
  throw new Error(`FETCHYARD_TEST_LANES: expected a number of processes, got ${LANES}.`)
}
const asked = process.argv.slice(2)
const groups = asked.length > 0 ? asked : allGroups()
const planned = groups.length
const results = []
await Promise.all(Array.from({ length: LANES }, () => lane(groups, results)))
const failed = results.filter(({ isPassed }) => !isPassed)
for (const { name, how, said } of failed) {
  process.stdout.write(`\n== ${name} failed (${how})\n${said.join('\n')}\n`)
}
for (const { name, said, isPassed, stalled } of results) {
  const counts = said.filter((line) => /^\s+\d+ (?:passing|failing|pending)/.test(line))
  const words = counts.map((line) => line.trim()).join(', ')
  process.stdout.write(
    `${isPassed ? 'passed' : 'FAILED'}  ${name}: ${words || 'no count'}${stalled ? ` (${stalled})` : ''}\n`,
  )
}
process.exitCode = failed.length > 0 || results.length === 0 || results.length < planned ? 1 : 0
