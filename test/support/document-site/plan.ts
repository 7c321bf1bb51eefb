// What a document of the site is like, and what goes wrong with it, by its number: the same in
// every run.

/** How its page gives the document out. */
export const WAYS = ['download', 'tab', 'slow'] as const
export type Way = (typeof WAYS)[number]

export const FAULTS = [
  'error',
  'hang',
  'dialog',
  'truncated',
  'html',
  'crash',
  'expired',
  'limited',
] as const
export type Fault = (typeof FAULTS)[number]

export interface SitePlan {
  readonly documents: number
  /** Time that every page takes to answer, in milliseconds. */
  readonly latencyMs: number
  /** Time that a slow document takes to be made. */
  readonly generationMs: number
  readonly bytes: number
  /** What happens at the first visit of a document; null: nothing. */
  readonly faultOf: (index: number) => Fault | null
  /** Documents that are broken at every visit. */
  readonly isLost: (index: number) => boolean
  /** Requests after which a session is over; null: never. */
  readonly sessionRequestsMax: number | null
  /** Whether pages name style sheets, pictures, fonts and films. */
  readonly hasFurniture: boolean
}

export const CALM: SitePlan = {
  documents: 30,
  latencyMs: 0,
  generationMs: 50,
  bytes: 2_000,
  faultOf: () => null,
  isLost: () => false,
  sessionRequestsMax: null,
  hasFurniture: false,
}

/** A fault for every third document, all kinds in turn. */
export function everyThird(index: number): Fault | null {
  return index % 3 === 2 ? (FAULTS[((index - 2) / 3) % FAULTS.length] ?? null) : null
}

export const referenceAt = (index: number) => `DOC-${String(index + 1).padStart(5, '0')}`
export const indexOf = (reference: string) => Number(/^DOC-(\d+)$/.exec(reference)?.[1] ?? 0) - 1
export const wayOf = (index: number): Way => WAYS[index % WAYS.length] ?? 'download'
