// A Postgres that speaks TLS, with a certificate that nobody has signed but itself.

import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before } from 'mocha'
import postgres from 'postgres'
import { startEmbedded } from '../../supervisor/embedded/index.js'
import { eventually } from './poll.js'
import { tell } from './tell.js'

const run = promisify(execFile)

/**
 * Skips the suite, with a word, where there is no openssl to make a certificate; in continuous
 * integration its absence is a failure.
 */
export function useTlsServer(): { readonly urlWith: (sslmode: string) => string } {
  let url = ''
  const ends: (() => Promise<void>)[] = []
  before(async function () {
    const hasOpenssl = await run('openssl', ['version']).then(
      () => true,
      () => false,
    )
    if (!hasOpenssl && process.env.CI) throw new Error('Expected openssl to be installed.')
    if (!hasOpenssl) {
      tell('skipped: openssl is not installed (apt-get install openssl)')
      this.skip()
    }
    const dataDir = await mkdtemp(join(tmpdir(), 'fetchyard-test-'))
    ends.push(() => rm(dataDir, { recursive: true, force: true }))
    // Run by root, the server has an account of its own, which must be able to enter.
    await chmod(dataDir, 0o711)
    const options = { dataDir, purpose: 'test', exclusive: true, transport: 'loopback' } as const
    const embedded = await startEmbedded(options)
    ends.push(() => embedded.stop())
    await makeCertificate(embedded.pgDir)
    await turnTlsOn(embedded.url)
    url = embedded.url
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
  })
  return {
    urlWith: (sslmode) => {
      const asked = new URL(url)
      // Its certificate names it so.
      asked.hostname = 'localhost'
      asked.searchParams.set('sslmode', sslmode)
      return asked.toString()
    },
  }
}

async function makeCertificate(pgDir: string): Promise<void> {
  const key = join(pgDir, 'server.key')
  const certificate = join(pgDir, 'server.crt')
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  await run('openssl', [...kind, '-subj', '/CN=localhost', '-keyout', key, '-out', certificate])
  const { uid, gid } = await stat(pgDir)
  for (const file of [key, certificate]) {
    await chown(file, uid, gid)
    await chmod(file, 0o600)
  }
}

async function turnTlsOn(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await sql`alter system set ssl = on`
    await sql`select pg_reload_conf()`
    await eventually({ words: 'a server with TLS' }, async () => {
      const [row] = await sql<{ ssl: string }[]>`show ssl`
      return row?.ssl === 'on'
    })
  } finally {
    await sql.end({ timeout: 5 })
  }
}
