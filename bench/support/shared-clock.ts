/**
 * Milliseconds of the machine's monotonic clock. On Linux it has one zero for all processes, so
 * that a reading of one may be compared with that of another.
 */
export function readSharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
