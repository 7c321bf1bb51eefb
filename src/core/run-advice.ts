// What a person may do about a run, from its figures alone. The most pressing comes first; a run of
// which nothing is to be said gets no advice.

import type { OutcomeCode } from './outcome.js'
import { failuresOf, type RunDetails, slotShareOf } from './run-details.js'

/** What to do about items that ended with a code; codes that need nothing are left out. */
const BY_CODE: { readonly [Code in OutcomeCode]?: string } = {
  dns: 'look whether their names are spelt right, and whether this machine resolves names',
  connect: 'fetch them again later with --again; hosts that are gone stay gone',
  tls: 'their certificates are broken; nothing here can mend that',
  timeout_connect: 'raise --connect-timeout, or fetch them again later with --again',
  timeout_headers: 'raise --headers-timeout, or ask for less at once with --host-concurrency',
  timeout_body: 'raise --body-timeout',
  timeout_total: 'raise --total-timeout and --item-timeout',
  reset: 'fetch them again later with --again; if it goes on, lower --host-concurrency',
  truncated: 'fetch them again later with --again',
  too_large: 'raise --body if pages of this size are wanted',
  rate_limited: 'lower --host-concurrency, or let --host-delay be longer',
  blocked: 'their hosts refuse this client: say who you are with --user-agent, or use an upstream',
  http_5xx: 'their hosts failed: fetch them again later with --again',
  robots: 'their sites ask not to be fetched; leave them out of the input',
  ssrf: 'allow their addresses with --allow-ranges if they are yours',
  url: 'mend these lines of the input',
  too_costly: 'raise --max-cost if they are worth it',
  parse: 'look at one: fetchyard history names the place that cannot be read',
  handler: 'the handler threw: fetchyard history shows what it said; mend it and use --again',
  sink: 'the database refuses the rows: compare the sinks with their tables',
  poison: 'they kill their worker: look at one by itself, and give workers more --memory',
}

const isKnown = (code: string): code is OutcomeCode => Object.hasOwn(BY_CODE, code)

/** Shares from which something is worth a word. */
const IDLE_SLOTS = 0.5
const BUSY_SLOTS = 0.95
const ONE_HOST = 0.5
const HOST_ITEMS_MIN = 10
const RECLAIMED_SHARE = 0.01

function openAdvice({ open, workflow }: RunDetails): readonly string[] {
  if (open === 0) return []
  const words = open === 1 ? '1 item is' : `${open} items are`
  return [
    `${words} still open: the same command continues the run; fetchyard why says what holds ` +
      `${workflow} back.`,
  ]
}

function codeAdvice(details: RunDetails): readonly string[] {
  return failuresOf(details).flatMap(({ code, items }) => {
    const advice = isKnown(code) ? BY_CODE[code] : undefined
    return advice === undefined ? [] : [`${items} × ${code}: ${advice}.`]
  })
}

/** A host that has most of the failures is a better place to look than their codes. */
function hostAdvice(details: RunDetails): readonly string[] {
  const failed = failuresOf(details).reduce((sum, { items }) => sum + items, 0)
  const [worst] = details.worst
  if (worst === undefined || worst.failed < HOST_ITEMS_MIN) return []
  if (worst.failed < ONE_HOST * failed || details.worst.length === 1) return []
  return [`${worst.failed} of ${failed} failures are of ${worst.host}: look at that host first.`]
}

function crashAdvice({ reclaimed, items, workflow }: RunDetails): readonly string[] {
  if (reclaimed === 0 || reclaimed < RECLAIMED_SHARE * items) return []
  return [
    `Workers or nodes died with ${reclaimed} items in hand, which were fetched again: ` +
      `the log says how; see --memory, and fetchyard history ${workflow} KEY of one.`,
  ]
}

function slotAdvice(details: RunDetails): readonly string[] {
  const share = slotShareOf(details.stretches)
  if (share === null) return []
  const percent = Math.round(100 * share)
  if (share < IDLE_SLOTS) {
    return [
      `Slots were busy ${percent} % of the time: plan, hosts, rate or queue held it back, and ` +
        'more --concurrency would change nothing.',
    ]
  }
  if (share < BUSY_SLOTS) return []
  return [`Slots were busy ${percent} % of the time: more --concurrency would make it faster.`]
}

/** One sentence each. */
export function adviseOn(details: RunDetails): readonly string[] {
  return [
    ...openAdvice(details),
    ...hostAdvice(details),
    ...codeAdvice(details),
    ...crashAdvice(details),
    ...slotAdvice(details),
  ]
}
