/** Connections of a database server. */
export interface ConnectionUse {
  readonly used: number
  /** As many as there may be. */
  readonly max: number
}

/** Share of them from which on nothing grows any more: others need some to connect at all. */
export const CROWDED_SHARE = 0.8

export function isCrowded({ used, max }: ConnectionUse): boolean {
  return max > 0 && used > CROWDED_SHARE * max
}
