import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { FetchChildOrder, FetchChildReport } from './fetch-child.js'

const CHILD = fileURLToPath(new URL('./fetch-child.js', import.meta.url))

/** Fetches in a process of its own. That it ends by itself shows that nothing was left running. */
export async function runFetchChild(
  order: FetchChildOrder,
  environment: Readonly<Record<string, string>> = {},
): Promise<FetchChildReport> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, JSON.stringify(order)], {
    env: { ...process.env, ...environment },
  })
  return JSON.parse(stdout)
}
