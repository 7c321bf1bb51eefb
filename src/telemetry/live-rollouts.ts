// The state of topic `rollouts`, from what the database says of them.

import type { CohortFigures, Rollout } from '../core/cohort-figures.js'
import type { LiveStates, RolloutCohort, RolloutState } from './live-topics.js'

/** Live states hold no null: what is not known is left out. */
function cohortState(figures: CohortFigures): RolloutCohort {
  const { errorRate, meanMs, p50Ms, p95Ms, ...counts } = figures
  return {
    ...counts,
    ...(errorRate === null ? {} : { errorRate }),
    ...(meanMs === null ? {} : { meanMs }),
    ...(p50Ms === null ? {} : { p50Ms }),
    ...(p95Ms === null ? {} : { p95Ms }),
  }
}

function rolloutState(rollout: Rollout): RolloutState {
  const { mode, step, nodes, pausedBy, by, concurrency, cohorts } = rollout
  const sinceAtMs = Date.parse(rollout.since)
  return {
    ...{ mode, rollout: rollout.rollout, step, nodes, pausedBy },
    sinceAtMs: Number.isFinite(sinceAtMs) ? sinceAtMs : 0,
    ...(by === null ? {} : { by }),
    ...(concurrency === null ? {} : { concurrency }),
    ...(cohorts.concurrent === null ? {} : { concurrent: cohortState(cohorts.concurrent) }),
    ...(cohorts.sequential === null ? {} : { sequential: cohortState(cohorts.sequential) }),
  }
}

export function rolloutsState(rollouts: readonly Rollout[]): LiveStates['rollouts'] {
  return Object.fromEntries(rollouts.map((rollout) => [rollout.workflow, rolloutState(rollout)]))
}
