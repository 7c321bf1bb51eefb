// What the refusals of Google's APIs mean. Their body is a google.rpc.Status as JSON; its details
// tell more than the HTTP status does: a key that is not valid is a 400, and so is a place that
// never was.

import type { OutcomeCode } from '../../core/outcome.js'
import { outcomeOfStatus } from '../classify.js'

interface PlacesRefusal {
  readonly code: OutcomeCode
  readonly message: string
  /** Time that the body asks to wait, in milliseconds. */
  readonly retryAfterMs?: number
}

/** The parts of a google.rpc.Status that matter. */
interface Status {
  /** Canonical name such as `RESOURCE_EXHAUSTED`; '' when the body is no such status. */
  readonly status: string
  readonly message: string
  /** Of `ErrorInfo`: a constant such as `API_KEY_INVALID`. */
  readonly reason: string
  /** Of `ErrorInfo` and `QuotaFailure`: names and units of the limit that was met. */
  readonly limit: string
  /** Of `BadRequest`: what is wrong with which field. */
  readonly violations: string
  readonly retryAfterMs?: number
}

/** Reasons that every call with this key meets: somebody has to look at the project. */
const KEY_REASON =
  /^(API_KEY_\w+|SERVICE_DISABLED|SERVICE_NOT_ACTIVATED|BILLING_DISABLED|CONSUMER_\w+|ACCESS_TOKEN_\w+|USER_PROJECT_DENIED|SECURITY_POLICY_VIOLATED)$/

/** Limits of a day: nothing is to be had before the next one begins. */
const DAILY = /per[ _]?day|1\/d\/|\bdaily\b/i

/** Words about what every request carries, as opposed to the place it asks for. */
const ABOUT_REQUEST = /field ?mask|'fields' parameter|matching fields|languageCode|regionCode/i

const WORDS_MAX = 300

/** What a refusal means for the item and for the workflow. */
export function refusalOf(httpStatus: number, body: string): PlacesRefusal {
  const status = parseStatus(body)
  const { message, violations, reason } = status
  const name = status.status === '' ? '' : ` ${status.status}`
  const why = [message, violations, reason].filter((text) => text !== '').join('; ')
  return {
    code: codeOf(httpStatus, status),
    message: `HTTP ${httpStatus} of the places API:${name} ${why}`.slice(0, WORDS_MAX).trimEnd(),
    ...(status.retryAfterMs === undefined ? {} : { retryAfterMs: status.retryAfterMs }),
  }
}

function codeOf(httpStatus: number, { status, reason, ...words }: Status): OutcomeCode {
  if (status === 'RESOURCE_EXHAUSTED' || httpStatus === 429) {
    return DAILY.test(`${words.limit} ${words.message}`) ? 'budget' : 'rate_limited'
  }
  if (KEY_REASON.test(reason) || httpStatus === 401 || httpStatus === 403) return 'key_refused'
  if (httpStatus === 400 && ABOUT_REQUEST.test(`${words.message} ${words.violations}`)) {
    return 'request_refused'
  }
  // 503 UNAVAILABLE is a failure of theirs, not a limit of ours, whatever wait it asks for.
  return outcomeOfStatus(httpStatus, false)
}

function parseStatus(body: string): Status {
  const error = fieldOf(parseJson(body), 'error')
  const details = listOf(fieldOf(error, 'details'))
  const ofType = (name: string) => details.filter((one) => textOf(one, '@type').endsWith(name))
  const [info] = ofType('.ErrorInfo')
  const metadata = fieldOf(info, 'metadata')
  const violationsOf = (name: string, list: string) =>
    ofType(name).flatMap((one) => listOf(fieldOf(one, list)))
  const quotas = violationsOf('.QuotaFailure', 'violations')
  const bad = violationsOf('.BadRequest', 'fieldViolations')
  const [retry] = ofType('.RetryInfo')
  const retryAfterMs = durationMs(textOf(retry, 'retryDelay'))
  return {
    status: textOf(error, 'status'),
    message: textOf(error, 'message'),
    reason: textOf(info, 'reason'),
    limit: [
      textOf(metadata, 'quota_limit'),
      textOf(metadata, 'quota_unit'),
      ...quotas.map((one) => `${textOf(one, 'subject')} ${textOf(one, 'description')}`),
    ].join(' '),
    violations: bad.map((one) => textOf(one, 'description')).join(', '),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy in between answers in words of its own.
    return null
  }
}

/** A duration as protobuf writes it in JSON: seconds with an `s`. */
function durationMs(text: string): number | null {
  const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(text)?.[1]
  return seconds === undefined ? null : Math.ceil(Number(seconds) * 1_000)
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}

function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name)
  return typeof field === 'string' ? field : ''
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
