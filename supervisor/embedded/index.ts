// The embedded Postgres: what runs when no DATABASE_URL is given.
//
// Its programs come from an optional npm package; the server itself is started by `pg_ctl` and
// belongs to nobody's process tree. So a supervisor that is killed leaves a running server, and the
// next start adopts it. Nothing here listens for signals or for the end of our process.

import type { ServerAddress } from '../../src/store/embedded.js'
import { DATABASE_NAME, urlOf } from './address.js'
import { type Arrival, arrive } from './arrive.js'
import { explaining } from './files.js'
import { becomeGuest, becomeHolder, inTurn } from './guests.js'
import { prepareDataDir } from './home.js'
import { leave } from './leave.js'
import type { Lock } from './lock.js'
import { locateBinaryPackage } from './platform.js'

export interface EmbeddedOptions {
  /** The user's data directory; the server's files are below it. Made when it is missing. */
  readonly dataDir: string
  /** What we are, as a person would say it (`run contacts`); named to whoever finds the lock. */
  readonly purpose: string
  /**
   * Whether to own the database for the life of this process (demo, run, up). Otherwise we are a
   * guest (status, audit, export, enqueue): the running server is used, or one is started and the
   * last guest stops it.
   */
  readonly exclusive: boolean
  /** Told what takes time, in whole sentences. @default nobody is told */
  readonly onProgress?: (message: string) => void
  /** `socket` falls back to loopback where no socket can be had. @default 'socket' */
  readonly transport?: 'socket' | 'loopback'
  /** Directory of the npm package with the programs. @default the installed one */
  readonly packageRoot?: string
}

export interface EmbeddedDatabase {
  /** Options for the `postgres` driver, which takes a socket's directory as host. */
  readonly connection: ServerAddress & { readonly database: string }
  /**
   * The same as a URL, as psql reads it. The driver cannot read a URL with a socket in it: give it
   * `connection`, or what `driverTarget` of `src/store/embedded.ts` makes of the URL.
   */
  readonly url: string
  /** Where the server's files are; usually `<dataDir>/pg`. */
  readonly pgDir: string
  /** Whether the server was running before we came. */
  readonly adopted: boolean
  /**
   * Leaves the database. An owner stops the server, unless guests are at work, who then stop it; a
   * guest stops it when it is the last one and the server was started for guests. Close your own
   * connections first. Calling it again waits for the first call.
   */
  readonly stop: () => Promise<void>
}

/**
 * Starts the embedded Postgres of a data directory, or adopts the one that runs.
 *
 * @throws {FetchyardError} DATA_DIRECTORY when another process owns the directory, when it cannot
 * be written, or when what it holds is not ours; EMBEDDED_UNSUPPORTED when Postgres cannot run
 * here.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const packageRoot = options.packageRoot ?? locateBinaryPackage()
  const dataDir = await prepareDataDir(options.dataDir)
  const { purpose, exclusive } = options
  return explaining(dataDir, async () => {
    const enter = exclusive ? becomeHolder : becomeGuest
    const lock = await enter(dataDir, purpose)
    try {
      const request = {
        dataDir,
        exclusive,
        packageRoot,
        transport: options.transport ?? 'socket',
        onProgress: options.onProgress ?? (() => {}),
      }
      const arrival = await inTurn(dataDir, purpose, () => arrive(request))
      return databaseOf(options, { dataDir, arrival, lock })
    } catch (error) {
      await lock.release()
      throw error
    }
  })
}

interface Stay {
  readonly dataDir: string
  readonly arrival: Arrival
  readonly lock: Lock
}

function databaseOf(options: EmbeddedOptions, stay: Stay): EmbeddedDatabase {
  const { address, cluster, adopted } = stay.arrival
  const role = options.exclusive ? 'holder' : 'guest'
  let leaving: Promise<void> | null = null
  return {
    connection: { ...address, database: DATABASE_NAME },
    url: urlOf(address, DATABASE_NAME),
    pgDir: cluster.pgDir,
    adopted,
    stop: () => {
      const { dataDir, lock } = stay
      leaving ??= leave({ dataDir, purpose: options.purpose, role, cluster, address, lock })
      return leaving
    },
  }
}
