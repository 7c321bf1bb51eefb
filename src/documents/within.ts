import { FetchFailure } from '../fetch/failure.js'

/**
 * What a promise brings, unless it takes too long.
 *
 * @throws {FetchFailure} `browser` when the time is over; whatever the promise ends in later is
 * dropped.
 */
export async function within<Result>(
  patienceMs: number,
  promise: Promise<Result>,
  words: string,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new FetchFailure('browser', `waited ${patienceMs} ms for ${words}`))
    }, patienceMs)
  })
  promise.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
