// What `/account` of a proxy API says, read without trust.

/** The account's figures; null where the answer had none that can be read. */
export interface AccountFigures {
  /** Calls that the plan lets be in flight at once. */
  readonly limit: number | null
  /** Calls in flight now, those of others with the same key included. */
  readonly inUse: number | null
  /** Credits of the period, and those that are left of them. */
  readonly credits: number | null
  readonly creditsLeft: number | null
}

/** Reads the answer; null when it holds none of the figures. */
export function parseAccount(text: string): AccountFigures | null {
  const fields = parseFields(text)
  if (fields === null) return null
  const limit = countOf(fields.concurrencyLimit)
  const inUse = countOf(fields.concurrentRequests)
  const credits = countOf(fields.requestLimit)
  const used = countOf(fields.requestCount)
  const creditsLeft = credits === null || used === null ? null : Math.max(0, credits - used)
  const figures = { limit: limit === 0 ? null : limit, inUse, credits, creditsLeft }
  return Object.values(figures).every((figure) => figure === null) ? null : figures
}

function parseFields(text: string): { readonly [field: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
}

/** A whole number, also when it was sent as text. */
function countOf(value: unknown): number | null {
  const isDigits = typeof value === 'string' && /^\d{1,15}$/.test(value.trim())
  const count = isDigits ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null
}
