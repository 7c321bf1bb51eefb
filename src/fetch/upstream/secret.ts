/** Words in the place of a secret. */
const HIDDEN = '[key]'

/**
 * Takes a secret out of texts, as it stands and percent-encoded. Whatever an upstream says goes
 * through here before it becomes part of a message.
 */
export function createScrubber(secret: string): (text: string) => string {
  const spellings = new Set([secret, encodeURIComponent(secret), encodeURI(secret)])
  // The longest first: a shorter spelling may be part of it.
  const ordered = [...spellings].sort((a, b) => b.length - a.length)
  return (text) => ordered.reduce((left, spelling) => left.replaceAll(spelling, HIDDEN), text)
}
