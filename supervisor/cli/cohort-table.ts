// Both cohorts of a rollout side by side, for a terminal.

import type { CohortFigures, Rollout } from '../../src/core/cohort-figures.js'
import type { Cohort } from '../../src/core/steering-plan.js'
import { steeringWords } from '../../src/core/steering-words.js'
import { showCount } from './progress.js'
import { tableLines } from './table.js'

const percent = (share: number | null) => (share === null ? null : `${(100 * share).toFixed(1)} %`)
const seconds = (ms: number | null) =>
  ms === null ? null : ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`

const ROWS: readonly (readonly [label: string, read: (own: CohortFigures) => string | null])[] = [
  ['attempts ended', (own) => showCount(own.completed + own.failed)],
  ['a second', (own) => String(own.perSecond)],
  ['failed', (own) => percent(own.errorRate)],
  ['asked to wait', (own) => showCount(own.snoozed)],
  ['lost with a worker', (own) => showCount(own.crashed)],
  ['time, mean', (own) => seconds(own.meanMs)],
  ['time, median', (own) => seconds(own.p50Ms)],
  ['time, 95 of 100', (own) => seconds(own.p95Ms)],
  ['credits', (own) => showCount(own.credits)],
  [
    'credits a result',
    (own) => (own.completed === 0 ? null : (own.credits / own.completed).toFixed(2)),
  ],
]

/** What is set, since when and by whom, and how each cohort does. */
export function cohortLines(rollout: Rollout): readonly string[] {
  const { workflow, mode, cohorts, step, since, by } = rollout
  const share = mode === 'sequential' ? 0 : rollout.rollout
  const heading = (cohort: Cohort) => {
    const own = cohorts[cohort]
    return own === null || own.step === step ? cohort : `${cohort} (step ${own.step})`
  }
  const { concurrent, sequential } = cohorts
  const of = (own: CohortFigures | null, read: (own: CohortFigures) => string | null) =>
    own === null ? null : read(own)
  const setBy = by === null ? 'as it was installed' : `step ${step}, set ${since} by ${by}`
  return [
    `${steeringWords(workflow, rollout)}`,
    `  ${setBy}`,
    ...(concurrent === null && sequential === null
      ? ['  No attempt has ended yet.']
      : tableLines(
          ['  all nodes', heading('concurrent'), heading('sequential')],
          [
            ['  share of the items', `${share} %`, `${100 - share} %`],
            ...ROWS.map(([label, read]) => [
              `  ${label}`,
              of(concurrent, read),
              of(sequential, read),
            ]),
          ],
        )),
  ]
}
