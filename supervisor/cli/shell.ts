// A command line of the user's, run by their shell.

import { spawn } from 'node:child_process'
import type { Invocation } from './command.js'

/** @throws {Error} when it does not end with 0. */
export function runShell(command: string, { cwd, environment }: Invocation): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, cwd, env: environment, stdio: 'ignore' })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`\`${command}\` ended with ${code}`))
    })
  })
}
