// Running many sequences, several side by side on databases of their own, and telling a failure so
// that it can be replayed.

import fc from 'fast-check'
import { audit } from '../../src/store/audit.js'
import { act } from './commands/perform.js'
import { STEPS, worthTelling } from './step-arbitraries.js'
import type { Step } from './steps.js'
import type { Ground, World } from './world.js'

/** Does a whole sequence on an empty store. */
export async function runSteps(ground: Ground, steps: readonly Step[]): Promise<void> {
  const world = await ground.world()
  for (const [n, step] of steps.entries()) {
    try {
      await act(world, step)
    } catch (error) {
      throw new Error(`at command ${n + 1}, ${JSON.stringify(step)}: ${error}`, { cause: error })
    }
  }
  await expectAudited(world)
}

/**
 * I1, I2, I3 and I5 as the product's own audit sees them. Words that the owner wrote in the queue's
 * place are faults to it, and are those the model knows of.
 */
async function expectAudited(world: World): Promise<void> {
  const report = await audit(world.ground.clocked.sql)
  const forged = world.model.wordFaults(world.flow('bound').workflowId).length
  const wrong = report.checks.filter(
    ({ invariant, violations }) => violations !== (invariant === 'I5' ? forged : 0),
  )
  if (wrong.length > 0) throw new Error(`the audit found: ${JSON.stringify(wrong)}`)
}

export interface Lane {
  readonly ground: Ground
  readonly seed: number
  readonly runs: number
  /** Where in the shrinking of a failure to start: replays that one sequence. */
  readonly path?: string | undefined
  /** Stops at the first failure as it was drawn. @default false */
  readonly isHasty?: boolean
}

export interface Verdict {
  readonly runs: number
  /** Null when every sequence held. */
  readonly failure: string | null
}

/** Runs the sequences of one seed on one database. */
export async function runLane(lane: Lane): Promise<Verdict> {
  const property = fc.asyncProperty(STEPS, (steps) => runSteps(lane.ground, steps))
  const details = await fc.check(property, {
    seed: lane.seed,
    numRuns: lane.runs,
    endOnFailure: lane.isHasty ?? false,
    ...(lane.path === undefined ? {} : { path: lane.path }),
  })
  if (!details.failed) return { runs: details.numRuns, failure: null }
  const steps = worthTelling(details.counterexample?.[0] ?? [])
  const replay = `FETCHYARD_SEED=${lane.seed} FETCHYARD_PATH=${details.counterexamplePath}`
  const failure = [
    `Sequence ${details.numRuns} failed, shrunk ${details.numShrinks} times. Replay it with ${replay}`,
    ...steps.map((step) => `  ${JSON.stringify(step)},`),
    `${details.errorInstance}`,
  ].join('\n')
  return { runs: details.numRuns, failure }
}
