// A thread that outlives a blocked event loop: when the supervisor is gone and the worker has not
// ended by itself, it is killed. Without it an endless loop in a handler would burn a core for
// ever.

import { workerData } from 'node:worker_threads'
import { WORKER_BOUNDS } from './bounds.js'

const parentPid: unknown = workerData?.parentPid

function isOrphan(): boolean {
  if (process.ppid !== parentPid) return true
  try {
    // Where orphans are not adopted by another process, the number stays and the process is gone.
    return typeof parentPid === 'number' && !process.kill(parentPid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

const timer = setInterval(() => {
  if (!isOrphan()) return
  clearInterval(timer)
  // The worker has heard of it too, if it can hear: it ends by itself in far less time.
  const restMs = WORKER_BOUNDS.orphanMs - WORKER_BOUNDS.orphanCheckMs
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), restMs)
}, WORKER_BOUNDS.orphanCheckMs)
