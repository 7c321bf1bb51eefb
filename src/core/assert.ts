/** A broken promise inside the program. Never caught on purpose: it ends the process. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Holds the program to a claim about itself; operating errors have classes of their own. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionError(`broken promise: ${claim}`)
}

/** Marks the branch that cannot be reached while a union is handled in full. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected value: ${JSON.stringify(value)}`)
}
