import { constants } from 'node:os'
import { expect } from 'chai'
import { errors } from 'undici'
import { OUTCOME_CODES, type OutcomeCode } from '../../../src/core/outcome.js'
import {
  ERROR_RULES,
  outcomeOfErrorCode,
  outcomeOfStatus,
  type Phase,
  toFailure,
} from '../../../src/fetch/classify.js'
import { FetchFailure } from '../../../src/fetch/failure.js'

/** Written down once more by hand: code, then the outcome in each phase. */
const EXPECTED: readonly (readonly [string, OutcomeCode, OutcomeCode, OutcomeCode])[] = [
  ['ENOTFOUND', 'dns', 'dns', 'dns'],
  ['EAI_AGAIN', 'dns', 'dns', 'dns'],
  ['ECONNREFUSED', 'connect', 'connect', 'connect'],
  ['EHOSTUNREACH', 'connect', 'connect', 'connect'],
  ['ENETUNREACH', 'connect', 'connect', 'connect'],
  ['EMFILE', 'connect', 'connect', 'connect'],
  ['ECONNRESET', 'connect', 'reset', 'truncated'],
  ['EPIPE', 'connect', 'reset', 'truncated'],
  ['ETIMEDOUT', 'timeout_connect', 'reset', 'reset'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout_connect', 'timeout_connect', 'timeout_connect'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout_headers', 'timeout_headers', 'timeout_headers'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout_body', 'timeout_body', 'timeout_body'],
  ['UND_ERR_SOCKET', 'connect', 'reset', 'truncated'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'connect', 'reset', 'truncated'],
  ['HPE_INVALID_EOF_STATE', 'connect', 'reset', 'truncated'],
  ['HPE_INVALID_CONSTANT', 'reset', 'reset', 'reset'],
  ['HPE_INVALID_CHUNK_SIZE', 'reset', 'reset', 'reset'],
  ['UND_ERR_HEADERS_OVERFLOW', 'too_large', 'too_large', 'too_large'],
  ['HPE_HEADER_OVERFLOW', 'too_large', 'too_large', 'too_large'],
  ['UND_ERR_INVALID_ARG', 'url', 'url', 'url'],
  ['EPROTO', 'tls', 'tls', 'tls'],
  ['CERT_HAS_EXPIRED', 'tls', 'tls', 'tls'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', 'tls', 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', 'tls', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'tls', 'tls'],
  ['ERR_OSSL_X509_CERT_ALREADY_IN_HASH_TABLE', 'tls', 'tls', 'tls'],
]

/** Codes of undici that no GET over a plain client can meet. */
const NOT_OURS = new Set([
  ...['UND_ERR', 'UND_ERR_BPL_MISSING_UPSTREAM', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'],
  ...['UND_ERR_REQ_RETRY', 'UND_ERR_RESPONSE', 'UND_ERR_PRX_TLS', 'UND_ERR_MAX_ORIGINS_REACHED'],
  ...['UND_ERR_SOCKS5', 'UND_ERR_WS_MESSAGE_SIZE_EXCEEDED', 'UND_ERR_INVALID_RETURN_VALUE'],
])

/** Failures of the network among the operating system's. */
const NETWORK_ERRNO = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ENOTCONN', 'EPIPE', 'ETIMEDOUT'],
  ...['EHOSTUNREACH', 'ENETDOWN', 'ENETUNREACH', 'EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'],
  ...['EAFNOSUPPORT', 'EMFILE', 'ENFILE', 'ENOBUFS'],
])

describe('fetch/classify', () => {
  const phases: readonly Phase[] = ['connect', 'headers', 'body']
  for (const [errorCode, ...outcomes] of EXPECTED) {
    for (const [index, phase] of phases.entries()) {
      it(`${errorCode} in phase ${phase}: ${outcomes[index]}`, () => {
        expect(outcomeOfErrorCode(errorCode, phase)).to.equal(outcomes[index])
      })
    }
  }

  it('gives only outcome codes that exist', () => {
    for (const errorCode of Object.keys(ERROR_RULES)) {
      for (const phase of phases) {
        expect(OUTCOME_CODES).to.include(outcomeOfErrorCode(errorCode, phase))
      }
    }
  })

  it('knows every error code of undici that a request can meet', () => {
    const codes = Object.values(errors).flatMap((ErrorClass) => {
      const source = String(ErrorClass)
      return [...source.matchAll(/UND_ERR\w*/g)].map((match) => match[0])
    })
    expect(codes.length).to.be.greaterThan(15)
    const unknown = codes.filter((code) => outcomeOfErrorCode(code, 'body') === null)
    expect(unknown.filter((code) => !NOT_OURS.has(code))).to.deep.equal([])
  })

  it('knows every failure of the network that the operating system names', () => {
    const codes = Object.keys(constants.errno).filter((code) => NETWORK_ERRNO.has(code))
    expect(codes.length).to.be.greaterThan(12)
    expect(codes.filter((code) => outcomeOfErrorCode(code, 'headers') === null)).to.deep.equal([])
  })

  describe('toFailure', () => {
    it('passes on what is a failure already', () => {
      const failure = new FetchFailure('ssrf', 'no')
      expect(toFailure(failure, 'connect')).to.equal(failure)
    })

    it('takes the first of several attempts to connect', () => {
      const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      expect(toFailure(new AggregateError([refused]), 'connect').code).to.equal('connect')
    })

    it('calls what nobody knows by the phase it happened in', () => {
      expect(toFailure(new Error('odd'), 'connect').code).to.equal('connect')
      expect(toFailure('odd', 'body').code).to.equal('reset')
      expect(toFailure(Object.assign(new Error(), { code: 'toString' }), 'body').code).to.equal(
        'reset',
      )
    })
  })

  describe('outcomeOfStatus', () => {
    const expected: Readonly<Partial<Record<OutcomeCode, readonly number[]>>> = {
      ok: [200, 201, 203, 204, 206, 226, 299],
      redirect: [300, 301, 302, 303, 304, 305, 307, 308, 399],
      blocked: [401, 403, 407, 451, 999],
      timeout_headers: [408],
      rate_limited: [429],
      http_4xx: [400, 402, 404, 405, 406, 409, 410, 411, 413, 414, 415, 418, 422, 431, 499],
      http_5xx: [421, 425, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 524, 530, 599],
    }
    for (const code of OUTCOME_CODES) {
      for (const status of expected[code] ?? []) {
        it(`${status}: ${code}`, () => expect(outcomeOfStatus(status, false)).to.equal(code))
      }
    }

    it('takes a 503 with Retry-After for a rate limit, and no other 5xx', () => {
      expect(outcomeOfStatus(503, true)).to.equal('rate_limited')
      expect(outcomeOfStatus(500, true)).to.equal('http_5xx')
      expect(outcomeOfStatus(429, true)).to.equal('rate_limited')
    })

    it('decides every status', () => {
      for (let status = 200; status < 1_000; status += 1) {
        expect(OUTCOME_CODES).to.include(outcomeOfStatus(status, false))
      }
    })
  })
})
