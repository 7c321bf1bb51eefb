// Instants as people and programs outside the database read them: ISO texts in UTC.

/** Of `to_char`, for statements in which values are parameters: to the millisecond, or second. */
export const ISO_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
export const ISO_SECOND_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'

/** Expression for an instant as an ISO text, to the millisecond. */
export function isoInstant(expression: string): string {
  return `to_char(${expression} at time zone 'UTC', '${ISO_FORMAT}')`
}

/** The same to the second. */
export function isoSecond(expression: string): string {
  return `to_char(${expression} at time zone 'UTC', '${ISO_SECOND_FORMAT}')`
}
