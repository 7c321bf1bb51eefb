// Where the live channel is that a person wants to look at.

import { resolve } from 'node:path'
import type { Settings } from '../../../config/settings.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { parseUrl } from '../../../src/core/parse-url.js'
import { urlHost } from '../../web/address.js'
import { readWebNotes } from '../web-notes.js'

export interface LiveAddress {
  /** Of the WebSocket. */
  readonly url: string
  readonly token: string
  /** As a person calls it; without the token. */
  readonly name: string
}

/** Where the demo has its own database, and its note. */
const DATA_DIRS = ['', 'demo']

/** The address as the supervisor prints it, or without the token when that is known otherwise. */
export function parseAddress(text: string, token: string | null): LiveAddress | null {
  const url = parseUrl(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null || !['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol)) return null
  const own = new URLSearchParams(url.hash.slice(1)).get('token') ?? token
  if (own === null || own === '' || url.username !== '' || url.password !== '') return null
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:'
  const folder = url.pathname.replace(/(\/live)?\/?$/, '')
  return {
    url: `${isSecure ? 'wss' : 'ws'}://${url.host}${folder}/live`,
    token: own,
    name: `${isSecure ? 'https' : 'http'}://${url.host}${folder}`,
  }
}

export interface AddressRequest {
  /** What the command line says; null: nothing. */
  readonly given: string | null
  readonly settings: Pick<Settings, 'host' | 'port' | 'token' | 'dataDir'>
  readonly cwd: string
}

/**
 * Looks the address up anew each time, since a node that starts again has another token.
 *
 * @returns null while no node of this directory runs.
 * @throws {FetchyardError} USAGE when the address that was given cannot be used.
 */
export async function findAddress(request: AddressRequest): Promise<LiveAddress | null> {
  const { given, settings, cwd } = request
  const { host, port, token } = settings
  if (given !== null) {
    const address = parseAddress(given, token)
    if (address !== null) return address
    throw new FetchyardError(
      'USAGE',
      'Expected the address that the supervisor prints, such as ' +
        '`http://127.0.0.1:9310/#token=...`, or one without a token when FETCHYARD_TOKEN is set',
    )
  }
  for (const folder of DATA_DIRS) {
    const [note] = await readWebNotes(resolve(cwd, settings.dataDir, folder))
    const address = note === undefined ? null : parseAddress(note.url, null)
    if (address !== null) return address
  }
  const isKnown = token !== null && port !== null && port !== 0
  return isKnown ? parseAddress(`http://${urlHost(host)}:${port}`, token) : null
}
