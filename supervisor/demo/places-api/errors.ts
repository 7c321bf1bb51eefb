// The refusals of the places API, word for word where they are published: a google.rpc.Status whose
// details say what was wrong.

const SERVICE = 'places.googleapis.com'
const CONSUMER = 'projects/123456789012'

/** What the API refuses a call for. */
export type Refusal =
  | 'key'
  | 'disabled'
  | 'blocked'
  | 'mask'
  | 'fields'
  | 'id'
  | 'unknown'
  | 'minute'
  | 'day'
  | 'internal'
  | 'unavailable'
  | 'path'

interface RefusalRow {
  readonly code: number
  readonly status: string
  readonly message: string
  readonly details?: readonly object[]
}

const info = (reason: string, metadata: object = { service: SERVICE, consumer: CONSUMER }) => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata,
})

const badRequest = (description: string) => ({
  '@type': 'type.googleapis.com/google.rpc.BadRequest',
  fieldViolations: [{ field: '_', description }],
})

const quota = (limit: string, unit: string, value: number) =>
  info('RATE_LIMIT_EXCEEDED', {
    service: SERVICE,
    quota_metric: 'places.googleapis.com/get_place_requests',
    quota_limit: limit,
    quota_limit_value: String(value),
    quota_unit: unit,
    quota_location: 'global',
    consumer: CONSUMER,
  })

const exceeded = (limit: string) =>
  `Quota exceeded for quota metric 'GetPlaceRequest' and limit '${limit}' of service ` +
  `'${SERVICE}' for consumer 'project_number:123456789012'.`

/** @param about what the call asked for, where the words name it, or the size of the limit. */
export function refusalRow(refusal: Refusal, about: string): RefusalRow {
  const rows: Readonly<Record<Refusal, RefusalRow>> = {
    key: {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: 'API key not valid. Please pass a valid API key.',
      details: [info('API_KEY_INVALID', { service: SERVICE })],
    },
    disabled: {
      code: 403,
      status: 'PERMISSION_DENIED',
      message:
        'Places API (New) has not been used in project 123456789012 before or it is disabled.',
      details: [info('SERVICE_DISABLED')],
    },
    blocked: {
      code: 403,
      status: 'PERMISSION_DENIED',
      message: 'Requests to this API places.googleapis.com method GetPlace are blocked.',
      details: [info('API_KEY_SERVICE_BLOCKED')],
    },
    mask: {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message:
        'FieldMask is a required parameter. See ' +
        'https://cloud.google.com/apis/docs/system-parameters on how to provide it.',
    },
    fields: {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: 'Request contains an invalid argument.',
      details: [
        badRequest(
          `Error expanding 'fields' parameter. Cannot find matching fields for path '${about}'.`,
        ),
      ],
    },
    id: { code: 400, status: 'INVALID_ARGUMENT', message: `Not a valid Place ID: ${about}` },
    unknown: {
      code: 404,
      status: 'NOT_FOUND',
      message: 'The Place ID is no longer valid. Please refresh cached Place IDs.',
    },
    minute: {
      code: 429,
      status: 'RESOURCE_EXHAUSTED',
      message: exceeded('GetPlaceRequest per minute'),
      details: [quota('GetPlaceRequestPerMinutePerProject', '1/min/{project}', Number(about))],
    },
    day: {
      code: 429,
      status: 'RESOURCE_EXHAUSTED',
      message: exceeded('GetPlaceRequest per day'),
      details: [quota('GetPlaceRequestPerDayPerProject', '1/d/{project}', Number(about))],
    },
    internal: { code: 500, status: 'INTERNAL', message: 'An internal error has occurred.' },
    unavailable: {
      code: 503,
      status: 'UNAVAILABLE',
      message: 'The service is currently unavailable.',
    },
    path: { code: 404, status: 'NOT_FOUND', message: 'Method not found.' },
  }
  return rows[refusal]
}
