import { EXIT_CODES, FetchyardError } from '../../../src/core/errors.js'
import { systemRandom } from '../../../src/core/random.js'
import { LIVE_TOPICS } from '../../../src/telemetry/live-topics.js'
import { listenForStop } from '../../signals.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { type AddressRequest, findAddress } from '../top/address.js'
import { showInLines } from '../top/in-lines.js'
import { createLiveLink, type LiveLink } from '../top/live-link.js'
import { showOnScreen } from '../top/on-screen.js'

const EVERY_SECONDS = { default: 10, max: 3_600 }
const LINES_MAX = 1_000_000

export const topCommand: Command = {
  syntax: 'top [address]',
  summary: 'Watch the running cluster in the terminal',
  examples: [
    ['fetchyard top', 'the node that runs in this directory; q quits, ? tells the keys'],
    ["fetchyard top 'http://10.0.0.7:9310/#token=...'", 'another one, by the address it printed'],
    ['fetchyard top | tee run.log', 'a line every 10 s'],
    ['fetchyard top --json --every 1 --lines 60', 'a minute of figures as NDJSON'],
  ],
  groups: ['web'],
  flags: {
    json: { type: 'switch', sentence: 'Print the figures as NDJSON, one object a line' },
    every: {
      type: 'text',
      sentence: `Seconds between two lines, 1 to ${EVERY_SECONDS.max} [${EVERY_SECONDS.default}]`,
    },
    lines: { type: 'text', sentence: 'Lines after which it ends [none]' },
  },
  run: runTop,
}

async function runTop(invocation: Invocation): Promise<number> {
  const { streams, settings, cwd, clock, signals, environment } = invocation
  const isJson = isGiven(invocation, 'json')
  const everyMs =
    1_000 * (wholeGiven(invocation, 'every', EVERY_SECONDS.max) ?? EVERY_SECONDS.default)
  const linesMax = wholeGiven(invocation, 'lines', LINES_MAX)
  const request: AddressRequest = { given: textGiven(invocation, 'address'), settings, cwd }
  if ((await findAddress(request)) === null) throw nobodyError()

  const { isTerminal } = streams.stdout
  const isScreen = isTerminal && !isJson && linesMax === null && environment.TERM !== 'dumb'
  const topics = isScreen ? LIVE_TOPICS : topicsOf(isJson)
  const end = whenDone()
  const link: LiveLink = createLiveLink({
    ...{ clock, random: systemRandom, topics },
    locate: () => findAddress(request),
    onChange: () => {
      const problem = endOf(link)
      if (problem !== null) end.fail(problem)
      else view.change()
    },
  })
  const stop = listenForStop({ source: signals, clock })
  stop.onRequest(() => end.done())
  const view = isScreen
    ? showOnScreen(invocation, link, end.done)
    : showInLines(invocation, link, { isJson, everyMs, linesMax, topics }, end.done)
  try {
    link.start()
    await end.promise
    return EXIT_CODES.ok
  } finally {
    stop.close()
    link.stop()
    await view.close()
  }
}

/** What lines tell of; the last events and the history of figures are no figures of now. */
function topicsOf(isJson: boolean): readonly string[] {
  return isJson
    ? LIVE_TOPICS.filter((topic) => topic !== 'events' && topic !== 'history')
    : ['stats']
}

/** What it does not help to wait for; null: it goes on. */
function endOf(link: LiveLink): FetchyardError | null {
  const { status, words, name, hasBeenLive } = link.view()
  if (status === 'refused') {
    const again = hasBeenLive ? 'It was started again with another one? ' : ''
    return new FetchyardError(
      'CONFIG_INVALID',
      `${name} refuses: ${words}. ${again}Give the address that the supervisor prints, with its token`,
    )
  }
  if (status !== 'waiting' || hasBeenLive) return null
  return new FetchyardError('CONFIG_INVALID', `${name} does not answer: ${words}`)
}

function nobodyError(): FetchyardError {
  return new FetchyardError(
    'CONFIG_INVALID',
    'No node of this directory runs. Start one with `fetchyard up`, or give the address that a ' +
      "supervisor prints: fetchyard top 'http://127.0.0.1:9310/#token=...'",
  )
}

interface End {
  readonly promise: Promise<void>
  readonly done: () => void
  readonly fail: (error: FetchyardError) => void
}

function whenDone(): End {
  let done = () => {}
  let fail: End['fail'] = () => {}
  const promise = new Promise<void>((resolve, reject) => {
    done = resolve
    fail = reject
  })
  return { promise, done, fail }
}

function wholeGiven(invocation: Invocation, flag: string, max: number): number | null {
  const text = textGiven(invocation, flag)
  if (text === null) return null
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new FetchyardError(
    'USAGE',
    `Expected --${flag} to be a whole number from 1 to ${max}, got ${text}.`,
  )
}
