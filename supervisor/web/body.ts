import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../src/core/clock.js'
import { WEB_LIMITS } from './web-limits.js'

export type Body =
  | { readonly text: string; readonly problem?: never }
  | { readonly problem: 'too large' | 'too slow' | 'broken off' }

/**
 * Reads a short body. It is given up at its bound in bytes and in time, and the connection with it:
 * what still comes on it would be read for nothing.
 */
export function readBody(request: IncomingMessage, clock: Clock): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (body: Body) => {
      cancel()
      request.removeAllListeners('data')
      resolve(body)
    }
    const cancel = clock.setTimer(WEB_LIMITS.bodyTimeoutMs, () => end({ problem: 'too slow' }))
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > WEB_LIMITS.bodyBytesMax) end({ problem: 'too large' })
      else chunks.push(chunk)
    })
    request.once('end', () => end({ text: Buffer.concat(chunks).toString('utf8') }))
    request.once('close', () => end({ problem: 'broken off' }))
    request.once('error', () => end({ problem: 'broken off' }))
  })
}
