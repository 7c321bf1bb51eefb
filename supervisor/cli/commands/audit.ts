import { EXIT_CODES } from '../../../src/core/errors.js'
import { type AuditReport, audit } from '../../../src/store/audit.js'
import { type Command, type Invocation, isGiven } from '../command.js'
import { showCount, showSeconds } from '../progress.js'
import { databaseRequest, withDatabase } from '../session.js'
import type { Streams } from '../streams.js'
import { paint, print, printJson, say } from '../streams.js'

export const auditCommand: Command = {
  syntax: 'audit',
  summary: 'Hold the promises of the queue against the live tables',
  examples: [
    ['fetchyard audit', 'lost 0, applied twice 0, or exit code 3'],
    ['fetchyard audit --json', 'the same for programs'],
  ],
  groups: ['database'],
  flags: { json: { type: 'switch', sentence: 'Print the report as JSON' } },
  run: runAudit,
}

async function runAudit(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'audit', exclusive: false })
  const report = await withDatabase(request, ({ sql }) => withPatience(streams, () => audit(sql)))
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, ...report })
  else {
    const mark = (isOk: boolean) =>
      isOk ? paint(streams.stdout, 'green', 'ok  ') : paint(streams.stdout, 'red', 'FAIL')
    for (const line of auditLines(report, mark)) await print(streams, line)
  }
  return report.isClean ? EXIT_CODES.ok : EXIT_CODES.problems
}

/** Time after which who waits hears that all is well, and again after as long. */
const PATIENCE_MS = 5_000

/** Says on standard error that a long audit is under way. */
async function withPatience<T>(streams: Streams, work: () => Promise<T>): Promise<T> {
  let waitedMs = 0
  const timer = setInterval(() => {
    waitedMs += PATIENCE_MS
    say(streams, `Still reading, for ${showSeconds(waitedMs / 1_000)} now.`)
  }, PATIENCE_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/** The report as lines of words: the equation, the checks, the figures people ask for first. */
function auditLines(report: AuditReport, mark: (isOk: boolean) => string): readonly string[] {
  const { enqueued, queued, processing, delayed, finished, retired } = report
  const [total, ...parts] = [enqueued, queued, processing, delayed, finished].map(showCount)
  return [
    `enqueued ${total} = queued ${parts[0]} + processing ${parts[1]} + delayed ${parts[2]} + ` +
      `finished ${parts[3]}${retired === 0 ? '' : ` + retired ${showCount(retired)}`}`,
    ...report.checks.flatMap(({ invariant, promise, violations, examples }) => [
      `${mark(violations === 0)}  ${invariant}  ${promise}` +
        (violations === 0
          ? ''
          : `: ${showCount(violations)} ${violations === 1 ? 'violation' : 'violations'}`),
      ...examples.map((example) => `          ${example}`),
      ...(violations > examples.length && examples.length > 0
        ? [`          and ${showCount(violations - examples.length)} more`]
        : []),
    ]),
    ...report.notes.map((note) => `note  ${note}`),
    ...(report.awaitingReclaim === 0
      ? []
      : [
          `note  ${showCount(report.awaitingReclaim)} packs of dead or late holders wait to be reclaimed`,
        ]),
    `lost ${showCount(report.lost)}, applied twice ${showCount(report.appliedTwice)}, ` +
      `fetched again ${report.fetchedAgain === 0 ? '' : 'at most '}${showCount(report.fetchedAgain)}`,
  ]
}
