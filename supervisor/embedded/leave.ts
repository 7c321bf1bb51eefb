import { rmdir } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.js'
import { countOtherClients, type ServerAddress } from '../../src/store/embedded.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import { type Cluster, stopServer } from './control.js'
import { countGuests, hasHolder, inTurn, planLeaving } from './guests.js'
import { type Lock, pause } from './lock.js'
import { recall, remember } from './memory.js'

export interface Visit {
  readonly dataDir: string
  readonly purpose: string
  readonly role: 'holder' | 'guest'
  readonly cluster: Cluster
  readonly address: ServerAddress
  readonly lock: Lock
}

/** Ends a visit: stops the server, hands it over, or leaves it as it is. */
export async function leave(visit: Visit): Promise<void> {
  const { dataDir, role, lock } = visit
  try {
    await inTurn(dataDir, visit.purpose, async () => {
      // A guest stops counting before it counts who is left; a holder keeps its place to the end.
      if (role === 'guest') await lock.release()
      await act(visit)
    })
  } finally {
    await lock.release()
  }
}

async function act(visit: Visit): Promise<void> {
  const { dataDir, role, cluster, address } = visit
  const memory = await recall(dataDir)
  const guests = await countGuests(dataDir)
  const facts = {
    role,
    guests,
    temporary: memory?.temporary ?? false,
    hasHolder: role === 'guest' && (await hasHolder(dataDir)),
  }
  // Asking the server about its clients is worth it only if nothing else keeps it.
  const isLast = planLeaving({ ...facts, clients: 0 }) === 'stop'
  const clients = isLast && role === 'guest' ? await lingeringClients(address) : 0
  const plan = planLeaving({ ...facts, clients })
  if (plan === 'leave') return
  if (plan === 'stop') {
    await stopServer(cluster)
    // Ours alone, and empty now; left behind it would be litter among the temporary files.
    if (isAbsolute(address.host)) await rmdir(address.host).catch(() => {})
  }
  if (memory !== null) await remember(dataDir, { ...memory, temporary: plan === 'hand-over' })
}

/** Counts the clients, and gives those that have just left the time to be gone. */
async function lingeringClients(address: ServerAddress, clock: Clock = systemClock) {
  const sinceMs = clock.nowMs()
  while (true) {
    const clients = await countOtherClients(address, EMBEDDED_BOUNDS.connectSeconds).catch(() => 0)
    if (clients === 0 || clock.nowMs() - sinceMs > EMBEDDED_BOUNDS.lingerMs) return clients
    await pause(clock, EMBEDDED_BOUNDS.askAgainMs)
  }
}
