// Looks at everything around a node and says what is wrong and what mends it. Changes nothing.

import type { Finding } from '../../src/core/health.js'
import type { Pooling } from '../../src/store/client.js'
import { startEmbedded } from '../embedded/index.js'
import { examineDatabase } from './database.js'
import { examineEmbedded } from './embedded.js'
import type { MachineRequest } from './machine.js'
import { examineMachine } from './machine.js'
import { examinePm2 } from './pm2.js'
import type { WebRequest } from './web.js'
import { examineWeb } from './web.js'

export interface DoctorRequest {
  readonly machine: MachineRequest
  readonly web: WebRequest
  readonly drainMs: number
  readonly pm2Home: string | null
  /** null: the embedded Postgres. */
  readonly databaseUrl: string | null
  readonly dataDir: string
  readonly pooling: Pooling | 'auto'
  readonly poolMax: number
}

export async function examine(request: DoctorRequest): Promise<readonly Finding[]> {
  const { machine, drainMs, pm2Home } = request
  return [
    ...(await examineMachine(machine)),
    ...(request.databaseUrl === null
      ? await examineOwnDatabase(request)
      : await examineDatabase({ ...request, url: request.databaseUrl })),
    ...(await examineWeb(request.web)),
    ...(await examinePm2({ searchPath: machine.searchPath, home: pm2Home, drainMs })),
  ]
}

/** The embedded database is looked into when it runs; it is not started for that. */
async function examineOwnDatabase(request: DoctorRequest): Promise<readonly Finding[]> {
  const { dataDir, poolMax } = request
  const { findings, isRunning } = await examineEmbedded(dataDir)
  if (!isRunning) return findings
  const embedded = await startEmbedded({ dataDir, purpose: 'doctor', exclusive: false })
  try {
    const { url } = embedded
    return [...findings, ...(await examineDatabase({ url, poolMax, pooling: 'direct' }))]
  } finally {
    await embedded.stop()
  }
}
