import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectSocket, createServer } from 'node:net'
import { expect } from 'chai'
import { hasCode } from '../../src/core/errors.js'
import { codeOf, connect } from '../../src/store/client.js'
import { encryptionOf } from '../../src/store/socket.js'
import { useDatabase } from '../support/database.js'
import { useTlsServer } from '../support/tls-server.js'

/** Listens on loopback until its test ends. */
function useListener(): (onClient: (client: Socket) => void) => Promise<string> {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  return async (onClient) => {
    const clients = new Set<Socket>()
    const server = createServer((client) => {
      clients.add(client.on('error', () => {}))
      onClient(client)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(async () => {
      for (const client of clients) client.destroy()
      server.close()
      await once(server, 'close')
    })
    return String((server.address() as AddressInfo).port)
  }
}

function urlAt(port: string, url = 'postgres://somebody@127.0.0.1/some'): string {
  const moved = new URL(url)
  moved.port = port
  return moved.toString()
}

describe('the connection to a server that is sick', () => {
  const listen = useListener()

  it('fails when the server ends it before the first word, and does not try for ever', async () => {
    let connections = 0
    const port = await listen((client) => {
      connections += 1
      client.end()
    })
    const request = connect({ url: urlAt(port), connectTimeoutS: 5 })
    const error = await request.catch((thrown: unknown) => thrown)
    expect(hasCode(error, 'DATABASE_UNAVAILABLE'), String(error)).to.equal(true)
    expect(String(error)).to.include('the database closed the connection')
    expect(connections).to.equal(1)
  })

  it('fails in time when the server asked for TLS says nothing', async () => {
    const port = await listen(() => {})
    const url = `${urlAt(port)}?sslmode=require`
    const error = await connect({ url, connectTimeoutS: 0.2 }).catch((thrown: unknown) => thrown)
    expect(hasCode(error, 'DATABASE_UNAVAILABLE'), String(error)).to.equal(true)
    expect(String(error)).to.include('within 200 ms')
  })

  it('fails when the server ends it instead of an answer about TLS', async () => {
    const port = await listen((client) => client.end())
    const url = `${urlAt(port)}?sslmode=require`
    const error = await connect({ url, connectTimeoutS: 5 }).catch((thrown: unknown) => thrown)
    expect(String(error)).to.include('the database closed the connection')
  })
})

describe('the connection to a server without TLS', () => {
  const database = useDatabase()

  it('is made in plain when TLS is only preferred, and refused when it is required', async () => {
    const separator = database.url.includes('?') ? '&' : '?'
    const preferred = await connect({ url: `${database.url}${separator}sslmode=prefer` })
    const pool = preferred.openPool({ max: 1, silenceMs: 60_000 })
    expect((await pool`select 1 as one`)[0]).to.deep.equal({ one: 1 })
    await preferred.close()
    const required = connect({ url: `${database.url}${separator}sslmode=require` })
    const error = await required.catch((thrown: unknown) => thrown)
    expect(String(error)).to.include('the server has no TLS')
  })
})

describe('the connection to a server with TLS', () => {
  const server = useTlsServer()
  const listen = useListener()

  it('is encrypted, and told from a pooler', async () => {
    const database = await connect({ url: server.urlWith('require') })
    const pool = database.openPool({ max: 1, silenceMs: 60_000 })
    const rows = await pool`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
    expect({ ...rows[0], pooling: database.pooling }).to.deep.equal({
      ssl: true,
      pooling: 'direct',
    })
    await database.close()
  })

  it('is refused when its certificate must be good and is not', async () => {
    const request = connect({ url: server.urlWith('verify-full') })
    const error = await request.catch((thrown: unknown) => thrown)
    expect(String(error)).to.match(/self-signed certificate/)
  })

  it('is given up when it dies without a word', async () => {
    let isDead = false
    const target = server.urlWith('require')
    const port = await listen((client) => {
      const upstream = connectSocket(Number(new URL(target).port), '127.0.0.1')
      client.on('close', () => upstream.destroy())
      upstream.on('error', () => {}).on('close', () => client.destroy())
      client.on('data', (bytes) => isDead || upstream.write(bytes))
      upstream.on('data', (bytes) => isDead || client.write(bytes))
    })
    const database = await connect({ url: urlAt(port, target) })
    const pool = database.openPool({ max: 1, silenceMs: 500 })
    await pool`select 1`
    isDead = true
    expect(await pool`select 2`.catch(codeOf)).to.equal('CONNECTION_SILENT')
    await database.close()
  })
})

describe('encryptionOf', () => {
  const cases: readonly (readonly [string, object | null])[] = [
    ['postgres://host/db', null],
    ['postgres://host/db?sslmode=disable', null],
    ['postgres://host/db?ssl=false', null],
    ['no url', null],
    ['postgres://h/db?sslmode=require', { isChecked: false, isOptional: false, isDirect: false }],
    ['postgres://h/db?sslmode=prefer', { isChecked: false, isOptional: true, isDirect: false }],
    ['postgres://h/db?ssl=true', { isChecked: true, isOptional: false, isDirect: false }],
    ['postgres://h/db?sslmode=verify-ca', { isChecked: true, isOptional: false, isDirect: false }],
    [
      'postgres://h/db?sslrootcert=system&sslnegotiation=direct',
      { isChecked: true, isOptional: false, isDirect: true },
    ],
  ]
  for (const [url, encryption] of cases) {
    it(`reads ${url}`, () => expect(encryptionOf(url)).to.deep.equal(encryption))
  }
})
