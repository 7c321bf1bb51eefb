// Which function does which command.

import type { Step, StepOf } from '../steps.js'
import type { Answer, World } from '../world.js'
import * as leasing from './leasing.js'
import * as operating from './operating.js'
import * as owning from './owning.js'
import * as settling from './settling.js'

const COMMANDS: {
  readonly [Kind in Step['do']]: (world: World, step: StepOf<Kind>) => Promise<Answer>
} = {
  ...leasing,
  ...operating,
  ...owning,
  ...settling,
  zombie: settling.settle,
}

function perform<Kind extends Step['do']>(world: World, step: StepOf<Kind>): Promise<Answer> {
  const command = COMMANDS[step.do as Kind]
  return command(world, step)
}

/** Does a command to the store and to the model, and compares them. */
export async function act(world: World, step: Step): Promise<void> {
  await world.check(await perform(world, step))
}
