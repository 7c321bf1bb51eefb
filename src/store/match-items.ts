// Which items a filter means, as conditions on `item` and on how its last attempt ended.

import { isoInstant } from './instants.js'

/** Parameters by name, such as `$3`. */
export interface MatchParameters {
  /** null: the filter names none. */
  readonly code: string | null
  readonly host: string
  /** In lower case. */
  readonly text: string
}

/**
 * How the last attempt of an item ended, as `last`: of a receipt, or of what is left of it. The
 * index of the receipts by item answers, once in each partition.
 */
export function lastEndLateral(join: 'left' | 'cross'): string {
  const columns = (table: string) =>
    `${table}.status, ${table}.attempt, ${table}.outcome_code, ${table}.http_status,
                     ${table}.error, ${table}.ended_at`
  return `${join} join lateral (
           select either.outcome_code as code, either.http_status as "httpStatus", either.error,
                  either.attempt as "endAttempt",
                  ${isoInstant('either.ended_at')} as "endedAt",
                  case either.status when 'success' then 'Complete' when 'error' then 'Error'
                                     when 'cancelled' then 'Cancelled' end as word
             from ((select ${columns('receipt')}
                      from fetchyard.processing_log as receipt
                     where receipt.item_id = item.item_id
                     order by receipt.ended_at desc
                     limit 1)
                   union all
                   (select ${columns('ending')}
                      from fetchyard.ending
                     where ending.item_id = item.item_id)
                   order by ended_at desc
                   limit 1) as either) as last${join === 'left' ? ' on true' : ''}`
}

/**
 * The parts of a filter that are about the item and its last attempt. `position` and not `like`:
 * what is asked for is a text, in which `%` and `_` are letters.
 */
export function matchCondition({ code, host, text }: MatchParameters): string {
  const codeMatches =
    code === null
      ? ''
      : `(${code}::text is null or last.code = ${code}::text)
               and `
  return `${codeMatches}(${host}::text is null or item.lane = ${host}::text)
               and (${text}::text is null or position(${text}::text in lower(item.item_key)) > 0
                    or position(${text}::text in lower(item.payload ->> 'url')) > 0)`
}
