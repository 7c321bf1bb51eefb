// The import of `records run`, beside the work: it keeps a bounded number of records ahead of it,
// and outlives an outage of the database as the node does.

import { LIMITS } from '../../../src/core/limits.js'
import { classifyFault } from '../../../src/store/client.js'
import { hasRoom } from '../../../src/store/imports.js'
import { showCount } from '../progress.js'
import { type RunFeed, startFeed } from '../run-feed.js'
import { say } from '../streams.js'
import { type FilesRequest, importFiles } from './import-records.js'

const { min: FIRST_PAUSE_MS, max: LAST_PAUSE_MS } = LIMITS.settleRetryDelayMs
const LOOK_EVERY_MS = 100

/** Starts to import files, in the steps that the work leaves room for. */
export function feedRecords(request: Omit<FilesRequest, 'tell' | 'tellsSteps'>): RunFeed {
  const { sql, handle } = request
  const { clock, streams } = request.invocation
  // A bar is drawn meanwhile: what is said takes its line, and the next one draws it anew.
  const start = streams.stderr.isTerminal ? '\r\u001b[2K' : ''
  const tell = (words: string) => say(streams, `${start}${words}`)
  const rest = (delayMs: number) =>
    new Promise<void>((resolve) => {
      clock.setTimer(delayMs, resolve)
    })
  return startFeed((hands) => {
    const isStopped = () => hands.isStopped() || request.isStopped()
    const waitForRoom = async () => {
      hands.onAdded()
      while (!isStopped() && !(await hasRoom(sql, handle.workflowId))) await rest(LOOK_EVERY_MS)
    }
    const files = { ...request, isStopped, waitForRoom, tell, tellsSteps: false }
    return importThroughOutages(files, rest)
  })
}

async function importThroughOutages(
  request: FilesRequest,
  rest: (delayMs: number) => Promise<void>,
): Promise<void> {
  const { isStopped, tell } = request
  let added = 0
  const onAdded = (items: number) => {
    added += items
  }
  for (let pauseMs: number = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    try {
      const { records } = await importFiles({ ...request, onAdded })
      tell(`${showCount(records)} records, ${showCount(added)} of them new.`)
      return
    } catch (error) {
      if (isStopped()) return
      // What was committed is known by the import's row, which the next try reads.
      if (classifyFault(error) !== 'transient') throw error
      await rest(pauseMs)
    }
  }
}
