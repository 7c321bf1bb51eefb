// A Postgres of the storm's own, which can be crashed, started again and run out of disk.

import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startEmbedded } from '../../supervisor/embedded/index.js'
import { readPostmasterFile } from '../../supervisor/embedded/postmaster.js'
import { runProgram } from '../../supervisor/embedded/program.js'

const run = promisify(execFile)

export interface StormServer {
  readonly url: string
  /** Why its disk cannot be filled; null when it can. */
  readonly diskReason: string | null
  /** Ends it as a power failure would. */
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Takes all room that is left. */
  readonly fill: () => Promise<void>
  /** Gives it back, and starts the server if it gave up meanwhile. */
  readonly clear: () => Promise<void>
  /** How often the server said that there is no room. */
  readonly noRoomSaid: () => Promise<number>
  readonly end: () => Promise<void>
}

const DISK_MEGABYTES = 1_500
const WAIT_SECONDS = '60'

export async function startStormServer(): Promise<StormServer> {
  const home = await mkdtemp(join(tmpdir(), 'fetchyard-storm-'))
  // Run by root, the server has an account of its own, which must be able to enter.
  await chmod(home, 0o711)
  const diskReason = await mountDisk(home)
  await chmod(home, 0o711)
  const dataDir = join(home, 'data')
  await mkdir(dataDir, { mode: 0o711 })
  const options = { dataDir, purpose: 'storm', exclusive: true, transport: 'loopback' } as const
  const embedded = await startEmbedded(options)
  const { pgDir } = embedded
  const programs = await programsOf(pgDir)
  const filler = join(home, 'filler')
  const control = (args: readonly string[]) => runControl({ pgDir, programs }, args)
  const start = async () => {
    // Server processes of the one that was ended may take a moment to go.
    for (let tries = 0; tries < 20; tries += 1) {
      if (await isUp(pgDir)) return
      if (await control(['start', '-w', '-t', WAIT_SECONDS, '-l', 'pg.log'])) return
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    throw new Error('the server did not start again')
  }
  return {
    url: embedded.url,
    diskReason,
    start,
    stop: async () => void (await control(['stop', '-w', '-m', 'immediate'])),
    fill: () => fillDisk(home, filler),
    clear: async () => {
      await rm(filler, { force: true })
      await start()
    },
    noRoomSaid: async () => {
      const log = await readFile(join(pgDir, 'pg.log'), 'utf8').catch(() => '')
      return log.split('No space left on device').length - 1
    },
    end: async () => {
      await rm(filler, { force: true })
      await embedded.stop()
      if (diskReason === null) await run('umount', ['-l', home])
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** What is free shrinks while it is asked for: what cannot be had at once is had in smaller pieces. */
async function fillDisk(home: string, filler: string): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { bavail, bsize } = await statfs(home)
    if (bavail === 0) return
    const share = Math.max(1, bavail - tries * 16)
    const { size } = await stat(filler).catch(() => ({ size: 0 }))
    const range = ['-o', String(size), '-l', String(share * bsize)]
    await run('fallocate', [...range, filler]).catch(() => {})
  }
}

/** A small disk of its own, where one may be had. @returns why there is none. */
async function mountDisk(path: string): Promise<string | null> {
  try {
    await run('fallocate', ['--version'])
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', path])
    return null
  } catch {
    return 'a file system of its own cannot be mounted here'
  }
}

async function programsOf(pgDir: string): Promise<string> {
  const file = await readPostmasterFile(pgDir)
  return dirname(await readlink(`/proc/${file?.pid ?? 0}/exe`))
}

async function isUp(pgDir: string): Promise<boolean> {
  const file = await readPostmasterFile(pgDir)
  const state = await readFile(`/proc/${file?.pid ?? 0}/stat`, 'utf8').catch(() => null)
  return state?.includes('(postgres)') === true
}

async function runControl(
  server: { readonly pgDir: string; readonly programs: string },
  args: readonly string[],
): Promise<boolean> {
  const { pgDir, programs } = server
  const { uid, gid } = await stat(pgDir)
  const end = await runProgram({
    file: join(programs, 'pg_ctl'),
    args,
    account: uid === process.getuid?.() ? null : { name: `uid ${uid}`, uid, gid },
    cwd: pgDir,
    environment: { PGDATA: pgDir },
  })
  return end.code === 0
}
