// Notices for the webhook. One node at a time has a notice; when that node dies, another sends it
// again half a minute later, under the same id.

import type { Sql } from './client.js'
import { isoInstant } from './instants.js'

export interface Notice {
  readonly noticeId: string
  readonly alert: string
  readonly subject: string
  readonly event: 'raised' | 'cleared'
  readonly level: string
  readonly message: string
  /** ISO instant of the database. */
  readonly happenedAt: string
  /** Tries so far, this one included. */
  readonly tries: number
}

export interface NoticeEnd {
  readonly noticeId: string
  /** null: it was taken. */
  readonly failure: string | null
  /** When it is tried again; null: never. */
  readonly againInMs: number | null
}

/** Longer than a try may take. */
const CLAIM_S = 30
/** Nobody wants to hear of it afterwards. */
const STALE_S = 6 * 3_600

/** Takes the next notice that is due. A later notice of an alert waits for the earlier ones. */
export async function claimNotice(sql: Sql): Promise<Notice | null> {
  const rows = await sql.unsafe<Notice[]>(`
    with due as materialized (
      select notice_id
        from fetchyard.alert_notice as notice
       where ended_at is null and next_try_at <= clock_timestamp()
         and happened_at > clock_timestamp() - ${STALE_S}::int * interval '1 second'
         and not exists (select from fetchyard.alert_notice as earlier
                          where earlier.ended_at is null
                            and earlier.notice_id < notice.notice_id
                            and earlier.alert = notice.alert
                            and earlier.subject = notice.subject
                            and earlier.happened_at
                                  > clock_timestamp() - ${STALE_S}::int * interval '1 second')
       order by notice_id
       limit 1
         for update skip locked
    )
    update fetchyard.alert_notice as notice
       set tries = notice.tries + 1,
           next_try_at = clock_timestamp() + ${CLAIM_S}::int * interval '1 second'
      from due
     where notice.notice_id = due.notice_id
    returning notice.notice_id as "noticeId", notice.alert, notice.subject, notice.event,
              notice.level, notice.message, notice.tries,
              ${isoInstant('notice.happened_at')} as "happenedAt"`)
  return rows[0] ?? null
}

/** Says how a try ended. What was ended meanwhile by another stays as it is. */
export async function endNotice(sql: Sql, end: NoticeEnd): Promise<void> {
  const { noticeId, failure, againInMs } = end
  await sql`
    update fetchyard.alert_notice
       set failure = ${failure},
           ended_at = case when ${againInMs}::float8 is null then clock_timestamp() end,
           next_try_at = clock_timestamp()
             + coalesce(${againInMs}::float8, 0) * interval '1 millisecond'
     where notice_id = ${noticeId} and ended_at is null`
}
