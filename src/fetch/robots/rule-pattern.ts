// One rule of a robots.txt: a path with `*` for anything and `$` for the end. Matched without
// regular expressions, whose time a hostile pattern could make explode.

export interface RulePattern {
  readonly isAllow: boolean
  /** Length that decides between rules which match the same path. */
  readonly octets: number
  readonly matches: (path: string) => boolean
}

/** Characters that mean the same bare and percent-encoded (RFC 3986, unreserved). */
const UNRESERVED = /[A-Za-z0-9._~-]/

export function patternOf(value: string, isAllow: boolean): RulePattern {
  const isAnchored = value.endsWith('$')
  const text = isAnchored ? value.slice(0, -1) : value
  const path = text.startsWith('/') || text.startsWith('*') ? text : `/${text}`
  const parts = normalPath(path)
    .replace(/\*{2,}/g, '*')
    .split('*')
    // A percent-encoded star or dollar is the character itself.
    .map(literalOf)
  return {
    isAllow,
    octets: normalPath(value).length,
    matches: (path) => matchesParts(literalOf(normalPath(path)), parts, isAnchored),
  }
}

/**
 * The one spelling of a path: octets outside of ASCII percent-encoded, hex digits in capitals, and
 * unreserved characters bare.
 */
export function normalPath(path: string): string {
  let encoded = path
  try {
    encoded = path.replace(/[^\x21-\x7e]+/g, (run) => encodeURIComponent(run))
  } catch {
    // Half a surrogate pair has no octets; it cannot be in a URL either.
  }
  return encoded.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return UNRESERVED.test(character) ? character : `%${hex.toUpperCase()}`
  })
}

function literalOf(part: string): string {
  return part.replaceAll('%2A', '*').replaceAll('%24', '$')
}

/** Leftmost matches of the parts between stars: greedy from the left is complete for this. */
function matchesParts(path: string, parts: readonly string[], isAnchored: boolean): boolean {
  const [first = '', ...rest] = parts
  if (!path.startsWith(first)) return false
  let at = first.length
  const last = rest.pop()
  if (last === undefined) return !isAnchored || at === path.length
  for (const part of rest) {
    const found = path.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  if (isAnchored) return path.length - at >= last.length && path.endsWith(last)
  return path.indexOf(last, at) !== -1
}
