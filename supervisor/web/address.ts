import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { FetchyardError, hasCode } from '../../src/core/errors.js'
import type { Tokens } from './access.js'
import { createToken } from './token.js'
import { WEB_LIMITS } from './web-limits.js'

/**
 * The tokens that count.
 *
 * @throws {FetchyardError} CONFIG_INVALID when one is needed or cannot be used.
 */
export function chosenTokens(options: {
  readonly host: string
  readonly token: string
  readonly operatorToken?: string
}): Tokens {
  const { host, token, operatorToken = '' } = options
  if (operatorToken === '') return { token: chosenToken({ host, token }), operatorToken: null }
  const operator = chosenToken({ host, token: operatorToken })
  // Who has the operator's token needs no other; for the address that is printed one is made up.
  const reader = token === '' ? createToken() : chosenToken({ host, token })
  if (reader !== operator) return { token: reader, operatorToken: operator }
  throw new FetchyardError(
    'CONFIG_INVALID',
    'Expected the operator token to differ from the web token, got the same twice. ' +
      'Choose another one, or leave it out and let one token do both',
  )
}

/**
 * The token that was given, or one made up for this start when only this machine can reach the
 * server.
 *
 * @throws {FetchyardError} CONFIG_INVALID when a token is needed or cannot be used.
 */
function chosenToken(options: { readonly host: string; readonly token: string }): string {
  const { host, token } = options
  if (token === '') {
    if (isLoopback(host)) return createToken()
    throw new FetchyardError(
      'CONFIG_INVALID',
      `Expected a web token when the web host is ${host}, which others can reach; got none. ` +
        'Set a token, or listen on 127.0.0.1',
    )
  }
  if (token.length >= WEB_LIMITS.tokenLengthMin && !/\s/.test(token)) return token
  throw new FetchyardError(
    'CONFIG_INVALID',
    `Expected the web token to have at least ${WEB_LIMITS.tokenLengthMin} characters and no ` +
      `spaces, got ${token.length} characters`,
  )
}

/** Names are not looked up: only those that mean loopback by definition count as such. */
function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '')
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  if (isIPv4(address)) return loopback.check(address, 'ipv4')
  if (isIPv6(address)) return loopback.check(address, 'ipv6')
  return address.toLowerCase() === 'localhost'
}

/** What a browser on this machine should call a host. */
export function urlHost(host: string): string {
  const address = host.replace(/^\[|\]$/g, '')
  if (address === '' || address === '0.0.0.0' || address === '::') return 'localhost'
  return isIPv6(address) ? `[${address}]` : address
}

/** What it means for the operator that a port cannot be listened on. */
export function listenError(error: Error, host: string, port: number): FetchyardError {
  if (hasCode(error, 'EADDRINUSE')) {
    return new FetchyardError(
      'PORT_IN_USE',
      `Port ${port} on ${host} is in use: stop what listens there, or set another web port ` +
        '(0 takes any free one)',
      { cause: error },
    )
  }
  return new FetchyardError(
    'CONFIG_INVALID',
    `Cannot listen on web host ${host}, port ${port}: ${error.message}`,
    { cause: error },
  )
}
