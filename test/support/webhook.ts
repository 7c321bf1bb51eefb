// A receiver of webhooks on loopback that keeps what it is sent and answers as it is told.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface WebhookServer {
  readonly url: string
  readonly deliveries: Delivery[]
  /** How the next requests are answered. */
  answer: (response: ServerResponse) => void
  readonly close: () => Promise<void>
}

export async function startWebhook(): Promise<WebhookServer> {
  const deliveries: Delivery[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      hook.answer(response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const hook: WebhookServer = {
    url: `http://127.0.0.1:${port}/hooks/secret-path?token=abc`,
    deliveries,
    answer: (response) => response.writeHead(204).end(),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return hook
}
