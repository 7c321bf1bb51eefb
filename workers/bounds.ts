/** Bounds of a worker that only it knows. */
export const WORKER_BOUNDS = {
  /** Time a handler has to return after its abort, before its slot is given to another item. */
  abortGraceMs: 1_000,
  /** Time between the loss of the supervisor and the end of the process, in the worst case. */
  orphanMs: 1_500,
  /** How often a worker looks whether its supervisor is still there. */
  orphanCheckMs: 250,
  /** Time the last messages have to leave before the process ends all the same. */
  farewellMs: 500,
  /** Log lines of one item; what it says beyond is dropped. */
  logLinesMax: 100,
  /** Nesting of a value in a result row. */
  valueDepthMax: 32,
} as const
