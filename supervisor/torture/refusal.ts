// Whether a database may be tortured. Pure, so that the rules can be read and tested in one place.

/** What is known of a database before anything is done to it. */
export interface TortureTarget {
  readonly host: string
  readonly user: string
  readonly database: string
  /** Finished items of other workflows; 0 where there is no Fetchyard yet. */
  readonly finishedElsewhere: number
  /** Supervisors that work in it now, in words. */
  readonly livingNodes: readonly string[]
}

export interface Permission {
  /** The database that was named by hand; null: none was. */
  readonly named: string | null
  readonly isAmongOthers: boolean
}

export type Refusal =
  | { readonly kind: 'misnamed'; readonly message: string }
  | { readonly kind: 'production'; readonly message: string }
  | { readonly kind: 'others'; readonly message: string }

/** A false alarm costs one more word on the command line; a missed one might cost much more. */
const PRODUCTION_WORDS = ['prod', 'live', 'primary'] as const

/** Finished items of a user's own workflows from which on a database counts as in use. */
export const FINISHED_MAX = 10_000

export const REFUSAL_RULE =
  `A database counts as production when its name, host or user holds ${PRODUCTION_WORDS.join(', ')}` +
  `, or when more than ${FINISHED_MAX} items of other workflows were finished in it`

/** Why a database looks like production; null when it does not. */
function productionSign(target: TortureTarget): string | null {
  for (const [what, value] of [
    ['name', target.database],
    ['host', target.host],
    ['user', target.user],
  ] as const) {
    const word = PRODUCTION_WORDS.find((sign) => value.toLowerCase().includes(sign))
    if (word !== undefined) return `its ${what} \`${value}\` holds "${word}"`
  }
  if (target.finishedElsewhere <= FINISHED_MAX) return null
  return `${target.finishedElsewhere} items of other workflows were finished in it`
}

/** Why a database may not be tortured; null when it may. */
export function refusalOf(target: TortureTarget, permission: Permission): Refusal | null {
  const { named, isAmongOthers } = permission
  if (named !== null && named !== target.database) {
    const message = `The database is called \`${target.database}\`, not \`${named}\` as --database says.`
    return { kind: 'misnamed', message }
  }
  const sign = productionSign(target)
  if (sign !== null && named === null) {
    const message =
      `The database looks like production: ${sign}. Use a staging database; to torture this one ` +
      `all the same, name it: --database ${target.database}`
    return { kind: 'production', message }
  }
  if (target.livingNodes.length > 0 && !isAmongOthers) {
    const message =
      `Supervisors work in this database now and would take part unprotected: ` +
      `${target.livingNodes.join(', ')}. Stop them first, or say --among-others. One that was ` +
      'killed counts as living until its lease runs out.'
    return { kind: 'others', message }
  }
  return null
}
