// The command line of a real process: its streams, its signals, its end.

import { systemClock } from '../../src/core/clock.js'
import { runCommandLine } from './cli.js'
import { createOut } from './streams.js'

/** Words after the program's own; under PM2 the second one is PM2's container, not our file. */
const OWN_WORDS = 2

/** Runs the command line of this process and ends it with its exit code. */
export async function runProcess(own: NodeJS.Process): Promise<void> {
  const { env: environment, argv } = own
  const stdout = createOut(own.stdout, environment)
  const stderr = createOut(own.stderr, environment)
  const exitCode = await runCommandLine(argv.slice(OWN_WORDS), {
    streams: { stdin: own.stdin, stdout, stderr },
    environment,
    cwd: own.cwd(),
    clock: systemClock,
    signals: own,
    notifyManager: (word) => own.send?.(word),
  })
  await stdout.write('')
  await stderr.write('')
  // Idle connections and workers that were told to end must not keep the process.
  own.exit(exitCode)
}
