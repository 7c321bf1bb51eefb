// One run of one contender: fill its queue, drain it, and measure what that cost its processes and
// its server.

import type { Sql } from '../../src/store/client.js'
import { cpuSeconds } from '../support/measure.js'

export interface Run {
  readonly contender: string
  readonly items: number
  readonly fillSeconds: number
  /** From the first job's start to the moment when all are settled. */
  readonly seconds: number
  readonly clientCpuSeconds: number
  readonly serverCpuSeconds: number
  /** What the server wrote to its log meanwhile: WAL, or the append-only file. */
  readonly logBytes: number
}

/** A queue that is filled and ready to be drained. */
export interface Subject {
  readonly clientPid: number
  readonly serverPid: number
  readonly fill: (items: number) => Promise<number>
  /** After the fill, before the clock: what a server does to itself in a quiet hour. */
  readonly settleDown: () => Promise<void>
  readonly logBytes: () => Promise<number>
  /** @returns seconds from the first job's start to the last job's settlement. */
  readonly drain: (items: number) => Promise<number>
  /** Fails when anything is left, or was done twice. */
  readonly check: (items: number) => Promise<void>
  readonly close: () => Promise<void>
}

export interface Contender {
  readonly name: string
  readonly isOurs: boolean
  /** Raw statements are no queue: others are not compared with them. */
  readonly isRaw: boolean
  readonly start: () => Promise<Subject>
}

export async function runContender(contender: Contender, items: number): Promise<Run> {
  const subject = await contender.start()
  try {
    const fillSeconds = await subject.fill(items)
    await subject.settleDown()
    const look = async () => ({
      client: cpuSeconds([subject.clientPid]),
      server: cpuSeconds([subject.serverPid]),
      log: await subject.logBytes(),
    })
    const before = await look()
    const seconds = await subject.drain(items)
    const after = await look()
    await subject.check(items)
    return {
      contender: contender.name,
      items,
      fillSeconds,
      seconds,
      clientCpuSeconds: after.client - before.client,
      serverCpuSeconds: after.server - before.server,
      logBytes: after.log - before.log,
    }
  } finally {
    await subject.close()
  }
}

export async function walPosition(sql: Sql): Promise<number> {
  const rows = await sql<{ bytes: number }[]>`
    select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as bytes`
  return rows[0]?.bytes ?? Number.NaN
}
