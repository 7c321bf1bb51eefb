// What went wrong on the wire, as outcome codes: one table for error codes, one for HTTP statuses.

import { messageOf } from '../core/errors.js'
import type { OutcomeCode } from '../core/outcome.js'
import { FetchFailure } from './failure.js'

/** How far a request had come: no connection yet, waiting for headers, or reading the body. */
export type Phase = 'connect' | 'headers' | 'body'

/** An outcome, or one for each phase where the same code means different things. */
type Rule = OutcomeCode | Readonly<Record<Phase, OutcomeCode>>

/** Whether a cut shows as a reset or as an early end depends on the system and on Node. */
const CLOSED: Rule = { connect: 'connect', headers: 'reset', body: 'truncated' }
const TIMED_OUT: Rule = { connect: 'timeout_connect', headers: 'reset', body: 'reset' }
/** The other side ended the stream in order, but too early. */
const ENDED_EARLY: Rule = { connect: 'connect', headers: 'reset', body: 'truncated' }

const rules = (codes: string, rule: Rule): Record<string, Rule> =>
  Object.fromEntries(codes.split(/\s+/).map((code) => [code, rule]))

/** Codes of Node, its resolver and undici. Codes of OpenSSL go by their prefix, see below. */
export const ERROR_RULES: Readonly<Record<string, Rule>> = {
  ...rules('ENOTFOUND ENODATA ESERVFAIL EREFUSED EBADNAME EBADRESP EBADQUERY ETIMEOUT', 'dns'),
  ...rules('EAI_AGAIN EAI_NODATA EAI_NONAME EAI_FAIL EAI_MEMORY EAI_SYSTEM EAI_ADDRFAMILY', 'dns'),
  ...rules('ECONNREFUSED EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EADDRNOTAVAIL', 'connect'),
  ...rules('EACCES EPERM EINVAL EAFNOSUPPORT EMFILE ENFILE ENOBUFS EADDRINUSE', 'connect'),
  ...rules('ECONNRESET EPIPE ECONNABORTED ENOTCONN EIO', CLOSED),
  ...rules('ETIMEDOUT', TIMED_OUT),
  ...rules('UND_ERR_CONNECT_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT', 'timeout_connect'),
  ...rules('UND_ERR_HEADERS_TIMEOUT', 'timeout_headers'),
  ...rules('UND_ERR_BODY_TIMEOUT', 'timeout_body'),
  ...rules('UND_ERR_SOCKET', ENDED_EARLY),
  ...rules('UND_ERR_RES_CONTENT_LENGTH_MISMATCH HPE_INVALID_EOF_STATE', ENDED_EARLY),
  ...rules(
    'UND_ERR_HEADERS_OVERFLOW HPE_HEADER_OVERFLOW UND_ERR_RES_EXCEEDED_MAX_SIZE',
    'too_large',
  ),
  ...rules('UND_ERR_INFO UND_ERR_DESTROYED UND_ERR_CLOSED UND_ERR_ABORT UND_ERR_ABORTED', 'reset'),
  ...rules('UND_ERR_NOT_SUPPORTED', 'reset'),
  ...rules('UND_ERR_INVALID_ARG ERR_INVALID_URL ERR_INVALID_CHAR', 'url'),
  ...rules('EPROTO', 'tls'),
  ...rules('CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED CERT_UNTRUSTED CERT_REJECTED', 'tls'),
  ...rules('CERT_CHAIN_TOO_LONG CERT_SIGNATURE_FAILURE DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'),
  ...rules('SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE HOSTNAME_MISMATCH', 'tls'),
  ...rules('UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY INVALID_CA', 'tls'),
  ...rules('UNABLE_TO_GET_CRL UNABLE_TO_DECRYPT_CERT_SIGNATURE INVALID_PURPOSE', 'tls'),
  ...rules('UNABLE_TO_DECRYPT_CRL_SIGNATURE UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'tls'),
  ...rules('ERROR_IN_CERT_NOT_BEFORE_FIELD ERROR_IN_CERT_NOT_AFTER_FIELD', 'tls'),
  ...rules('CRL_HAS_EXPIRED CRL_NOT_YET_VALID CRL_SIGNATURE_FAILURE PATH_LENGTH_EXCEEDED', 'tls'),
}

/** Families of codes too large to list: OpenSSL's reasons and the parser's complaints. */
const PREFIX_RULES: readonly (readonly [string, Rule])[] = [
  ['ERR_TLS_', 'tls'],
  ['ERR_SSL_', 'tls'],
  ['ERR_OSSL_', 'tls'],
  ['HPE_', 'reset'],
]

/** The outcome code for an error code of Node, OpenSSL or undici; null for one nobody knows. */
export function outcomeOfErrorCode(errorCode: string, phase: Phase): OutcomeCode | null {
  const listed = Object.hasOwn(ERROR_RULES, errorCode) ? ERROR_RULES[errorCode] : undefined
  const rule = listed ?? PREFIX_RULES.find(([prefix]) => errorCode.startsWith(prefix))?.[1]
  if (rule === undefined) return null
  return typeof rule === 'string' ? rule : rule[phase]
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  // Several addresses were tried and each failed in its own way: the first speaks for all.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : ''
}

/** Any error of a request as a failure. What is one already passes through. */
export function toFailure(error: unknown, phase: Phase): FetchFailure {
  if (error instanceof FetchFailure) return error
  const errorCode = codeOf(error)
  const unknown = phase === 'connect' ? 'connect' : 'reset'
  const outcome = outcomeOfErrorCode(errorCode, phase) ?? unknown
  const words = messageOf(error) || 'no message'
  return new FetchFailure(outcome, errorCode === '' ? words : `${words} (${errorCode})`, {
    cause: error,
  })
}

/** Statuses whose meaning differs from that of their class. */
const STATUS_OUTCOMES: Readonly<Record<number, OutcomeCode>> = {
  401: 'blocked',
  403: 'blocked',
  407: 'blocked',
  // The server gave up waiting for our request: the same request may succeed.
  408: 'timeout_headers',
  // Misdirected, too early: the server asks for the same request again, on other terms.
  421: 'http_5xx',
  425: 'http_5xx',
  429: 'rate_limited',
  451: 'blocked',
  // Not registered anywhere; large sites answer robots with it.
  999: 'blocked',
}

/**
 * The outcome code of a final HTTP status. A redirect that was to be followed never comes here; a
 * 3xx without a usable Location does.
 */
export function outcomeOfStatus(status: number, hasRetryAfter: boolean): OutcomeCode {
  if (status >= 200 && status < 300) return 'ok'
  if (status === 503 && hasRetryAfter) return 'rate_limited'
  const special = STATUS_OUTCOMES[status]
  if (special !== undefined) return special
  if (status >= 300 && status < 400) return 'redirect'
  return status >= 400 && status < 500 ? 'http_4xx' : 'http_5xx'
}
