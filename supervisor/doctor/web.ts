// The dashboard's address.

import { createServer } from 'node:net'
import { messageOf } from '../../src/core/errors.js'
import type { Finding } from '../../src/core/health.js'
import { fine, problem, warning } from '../../src/core/health.js'
import { chosenTokens } from '../web/address.js'

export interface WebRequest {
  readonly host: string
  /** null: no dashboard. */
  readonly port: number | null
  readonly token: string | null
  readonly operatorToken: string | null
}

export async function examineWeb(request: WebRequest): Promise<readonly Finding[]> {
  const { host, port, token, operatorToken } = request
  if (port === null) return [fine('web', 'No dashboard is asked for')]
  try {
    chosenTokens({ host, token: token ?? '', operatorToken: operatorToken ?? '' })
  } catch (error) {
    return [problem('web', messageOf(error), 'FETCHYARD_TOKEN=$(openssl rand -hex 24)')]
  }
  const refusal = await tryPort(host, port)
  if (refusal === null) return [fine('web', `Port ${port} on ${host} is free`)]
  const words = `Port ${port} on ${host} cannot be had (${refusal}); a node that runs has it, or another program.`
  return [warning('web', words, '--port 0 takes any free one')]
}

/** Listens for a moment. @returns why it cannot be listened there, or null. */
function tryPort(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(messageOf(error)))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)))
  })
}
