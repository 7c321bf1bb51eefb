import { createServer } from 'node:net'

/** The wished port when it can be listened on, else 0, which takes any free one. */
export function freePort(of: { readonly host: string; readonly wished: number }): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(0))
    server.listen({ host: of.host, port: of.wished }, () => {
      server.close(() => resolve(of.wished))
    })
  })
}
