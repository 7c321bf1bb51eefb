/**
 * The URL that a text is; null for one that is none.
 *
 * Not by `URL.canParse`: on Node 20 it takes ü in a host for broken once it was called often enough
 * to be compiled.
 */
export function parseUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
