// promtool, which comes with Debian's package `prometheus`. Continuous integration installs it;
// elsewhere tests that need it are left out with a word.

import { execFile } from 'node:child_process'
import type { Context } from 'mocha'
import { hasCode } from '../../src/core/errors.js'

export interface Verdict {
  readonly isClean: boolean
  /** All that it said. */
  readonly words: string
}

/** Runs promtool. Where it is missing the test is skipped, in continuous integration it fails. */
export async function promtool(
  test: Context,
  args: readonly string[],
  input = '',
): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', [...args], (error, stdout, stderr) => {
      if (error !== null && hasCode(error, 'ENOENT')) {
        if (process.env.CI !== undefined) reject(new Error('promtool is missing: .ci/run has it'))
        else skip(test, reject)
        return
      }
      resolve({ isClean: error === null, words: `${stdout}${stderr}` })
    })
    // A program that is not there takes no input.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function skip(test: Context, reject: (error: unknown) => void): void {
  const { title = '' } = test.test ?? {}
  process.stderr.write(`Skipped, since there is no promtool (package prometheus): ${title}\n`)
  try {
    test.skip()
  } catch (error) {
    // Mocha's way of saying that a test is pending.
    reject(error)
  }
}
