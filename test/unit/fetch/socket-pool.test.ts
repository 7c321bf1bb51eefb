import { setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import { buildConnector } from 'undici'
import { LIMITS } from '../../../src/core/limits.js'
import { type PooledSocket, SocketPool } from '../../../src/fetch/socket-pool.js'

const { signal } = new AbortController()
setMaxListeners(0, signal)
const request = (url: string, isFresh = false) => ({
  url: new URL(url),
  isFresh,
  abortSignal: signal,
})
const options = { socketsMax: 3, socketsPerHostMax: 2, keepAliveMs: 60_000 }

describe('fetch/socket-pool', () => {
  const pools: SocketPool[] = []
  afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

  // No socket is really opened before a request is dispatched over it.
  const makePool = (change: Partial<typeof options> = {}): SocketPool => {
    const pool = new SocketPool({ ...options, ...change }, () => buildConnector({}))
    pools.push(pool)
    return pool
  }

  /** As if the socket had been used and its connection stood. */
  const giveBackOpen = (pool: SocketPool, socket: PooledSocket) => {
    socket.isOpen = true
    pool.release(socket, true)
  }

  it('lends an idle socket of the same origin again, the latest used first', async () => {
    const pool = makePool()
    const first = await pool.acquire(request('http://a.example/'))
    const second = await pool.acquire(request('http://a.example/'))
    giveBackOpen(pool, second)
    giveBackOpen(pool, first)
    expect(await pool.acquire(request('http://a.example/x'))).to.equal(first)
    expect(await pool.acquire(request('http://a.example/y'))).to.equal(second)
  })

  it('lends no idle socket to a request that wants a fresh one', async () => {
    const pool = makePool()
    const first = await pool.acquire(request('http://a.example/'))
    giveBackOpen(pool, first)
    expect(await pool.acquire(request('http://a.example/', true))).to.not.equal(first)
  })

  it('keeps no socket that is closed or in doubt', async () => {
    const pool = makePool()
    const first = await pool.acquire(request('http://a.example/'))
    pool.release(first, true)
    const second = await pool.acquire(request('http://a.example/'))
    second.isOpen = true
    pool.release(second, false)
    expect(pool.size).to.equal(0)
  })

  it('counts http and https of a host together', async () => {
    const pool = makePool()
    await pool.acquire(request('http://a.example/'))
    await pool.acquire(request('https://a.example/'))
    const third = pool.acquire(request('http://a.example:8080/'))
    expect(pool.waiting).to.equal(1)
    await pool.close()
    expect(await third.catch((error: Error) => error.message)).to.contain('closed')
  })

  it('evicts the socket that idled longest, of the same host when the host is full', async () => {
    const pool = makePool()
    const plain = await pool.acquire(request('http://a.example/'))
    const secure = await pool.acquire(request('https://a.example/'))
    const other = await pool.acquire(request('http://b.example/'))
    for (const socket of [other, plain, secure]) giveBackOpen(pool, socket)
    await pool.acquire(request('http://a.example:8080/'))
    expect(plain.client.destroyed).to.equal(true)
    await pool.acquire(request('http://c.example/'))
    expect(other.client.destroyed).to.equal(true)
    expect(secure.client.destroyed).to.equal(false)
    expect(pool.size).to.equal(3)
  })

  it('serves waiters in order, passing over those whose host is full', async () => {
    const pool = makePool()
    const [a1, a2] = [
      await pool.acquire(request('http://a.example/')),
      await pool.acquire(request('http://a.example/')),
    ]
    const b = await pool.acquire(request('http://b.example/'))
    const served: string[] = []
    const wait = (name: string, url: string) =>
      pool.acquire(request(url)).then((socket) => {
        served.push(name)
        return socket
      })
    const waits = [
      wait('a3', 'http://a.example/'),
      wait('a4', 'http://a.example/'),
      wait('b2', 'http://b.example/'),
    ]
    pool.release(b, false)
    await waits[2]
    expect(served).to.deep.equal(['b2'])
    giveBackOpen(pool, a2)
    expect(await waits[0]).to.equal(a2)
    pool.release(a1, false)
    await waits[1]
    expect(served).to.deep.equal(['b2', 'a3', 'a4'])
  })

  it('never exceeds the bounds of the program, whatever the options say', async () => {
    const pool = makePool({ socketsMax: 10_000, socketsPerHostMax: 10_000 })
    for (let n = 0; n < LIMITS.socketsPerHostMax; n += 1) {
      await pool.acquire(request('http://a.example/'))
    }
    const one = pool.acquire(request('http://a.example/'))
    expect(pool.waiting).to.equal(1)
    for (let n = 0; n < LIMITS.socketsMax - LIMITS.socketsPerHostMax; n += 1) {
      await pool.acquire(request(`http://h${n}.example/`))
    }
    const two = pool.acquire(request('http://z.example/'))
    expect(pool).to.include({ waiting: 2, size: LIMITS.socketsMax })
    await pool.close()
    await Promise.allSettled([one, two])
  })

  it('bounds its waiters', async () => {
    const pool = makePool({ socketsMax: 1 })
    await pool.acquire(request('http://a.example/'))
    const waits = Array.from({ length: LIMITS.slotsMax }, () =>
      pool.acquire(request('http://a.example/')).catch(() => null),
    )
    const refusal = await pool.acquire(request('http://a.example/')).catch((e: Error) => e.message)
    expect(refusal).to.contain('wait for a socket')
    await pool.close()
    await Promise.all(waits)
  })

  it('forgets an idle connection that the server closes', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
    })
    const port = await listen(server)
    const pool = makePool()
    const socket = await pool.acquire(request(`http://127.0.0.1:${port}/`))
    await socket.client.request({ path: '/', method: 'GET' })
    const disconnected = new Promise((resolve) => socket.client.once('disconnect', resolve))
    pool.release(socket, true)
    expect(pool.size).to.equal(1)
    sockets[0]?.destroy()
    await disconnected
    expect(pool.size).to.equal(0)
    await new Promise((resolve) => server.close(resolve))
  })
})

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}
