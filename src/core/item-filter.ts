// Which items a person means, in the words of the dashboard.

export const ITEM_WORDS = [
  'Queued',
  'Processing',
  'Delayed',
  'Complete',
  'Error',
  'Cancelled',
] as const
export type ItemWord = (typeof ITEM_WORDS)[number]

/**
 * Every part narrows; null is no part. The workflow is always named: every index begins with it.
 */
export interface ItemFilter {
  readonly workflowId: number
  readonly state: ItemWord | null
  /** How the last attempt ended; without a state, how the item ended. */
  readonly code: string | null
  /** Host of the URL, exactly. */
  readonly host: string | null
  /** Text in the key, or in the URL of the payload, whatever the case of its letters. */
  readonly text: string | null
}

/** How the items that are meant are found: each way goes along an index of its own. */
export type Walk = 'packs' | 'failed' | 'host' | 'keys'

/** States of items that are in a pack. */
export const OPEN_WORDS: readonly ItemWord[] = ['Queued', 'Processing', 'Delayed']

export function isOpenWord(word: ItemWord | null): boolean {
  return word !== null && OPEN_WORDS.includes(word)
}

/**
 * The way with the fewest rows to look at: what is in the queue by its packs, one host's items by
 * the host, what failed by the receipts of failures, and everything else in the order of keys.
 */
export function walkOf({ state, code, host }: ItemFilter): Walk {
  if (isOpenWord(state)) return 'packs'
  if (host !== null) return 'host'
  if (state === 'Error' || state === 'Cancelled') return 'failed'
  return code !== null && code !== 'ok' && state === null ? 'failed' : 'keys'
}
