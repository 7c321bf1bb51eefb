// Which function does which command.

import type { Step, StepOf } from '../steps.js'
import type { Answer, World } from '../world.js'
import * as leasing from './leasing.js'
import * as operating from './operating.js'
import * as owning from './owning.js'
import * as retaining from './retaining.js'
import * as settling from './settling.js'

const COMMANDS: {
  readonly [Kind in Step['do']]: (world: World, step: StepOf<Kind>) => Promise<Answer | null>
} = {
  ...leasing,
  ...operating,
  ...owning,
  ...retaining,
  ...settling,
  zombie: settling.settle,
}

function perform<Kind extends Step['do']>(
  world: World,
  step: StepOf<Kind>,
): Promise<Answer | null> {
  const command = COMMANDS[step.do as Kind]
  return command(world, step)
}

/** Answers of a command that found nothing to do. */
const NOTHING = new Set(
  [null, false, 0, [], { packs: 0, items: 0 }].map((one) => JSON.stringify(one)),
)

/** Does a command to the store and to the model, and compares them. */
export async function act(world: World, step: Step): Promise<void> {
  const answer = await perform(world, step)
  if (answer === null) return
  await world.check(answer)
  const { effects } = world.ground
  if (!NOTHING.has(JSON.stringify(answer.real))) {
    effects.set(step.do, (effects.get(step.do) ?? 0) + 1)
  }
}
