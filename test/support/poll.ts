/** How long a test waits for what must come, before it says that it did not. */
const PATIENCE_MS = 30_000
/** Pause between two looks. */
const LOOK_MS = 25

export interface Patience {
  /** What is waited for, to follow the words "waited in vain for". */
  readonly words: string
  /** @default 30 s */
  readonly patienceMs?: number
  /** What was there instead, for the message. */
  readonly seen?: () => unknown
}

/**
 * Looks again and again until a look finds something.
 *
 * @returns the first answer that is neither undefined, null nor false.
 * @throws {Error} saying what did not come, after a bounded time.
 */
export async function eventually<Found>(
  patience: Patience,
  look: () => Promise<Found> | Found,
): Promise<NonNullable<Exclude<Found, false>>> {
  const limitMs = performance.now() + (patience.patienceMs ?? PATIENCE_MS)
  for (;;) {
    const found = await look()
    if (isFound(found)) return found
    if (performance.now() > limitMs) {
      const seen = patience.seen === undefined ? '' : ` Seen: ${JSON.stringify(patience.seen())}.`
      throw new Error(`Waited in vain for ${patience.words}.${seen}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function isFound<Found>(found: Found): found is NonNullable<Exclude<Found, false>> {
  return found !== undefined && found !== null && found !== false
}
