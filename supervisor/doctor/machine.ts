// The machine: Node, limits of the system, memory, and what process managers need.

import { access, constants, readFile, stat } from 'node:fs/promises'
import { totalmem, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Finding } from '../../src/core/health.js'
import { fine, judgeMemory, judgeNode, judgeOpenFiles, warning } from '../../src/core/health.js'

export interface MachineRequest {
  readonly sockets: number
  readonly workers: number
  readonly workerBytesMax: number
  /** Value of PATH. */
  readonly searchPath: string
}

export async function examineMachine(request: MachineRequest): Promise<readonly Finding[]> {
  return [
    judgeNode(process.version),
    judgeOpenFiles(await readOpenFilesLimit(), request.sockets),
    judgeMemory({ totalBytes: memoryBytes(), ...request }),
    ...(await examineProcessTools(request.searchPath)),
    ...(await examineSessions()),
  ]
}

/** What a container allows, or the machine has. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** The soft limit, which children inherit; null where the system has no such file. */
async function readOpenFilesLimit(): Promise<number | null> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1]
  if (limit === undefined) return null
  return limit === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(limit)
}

/** Whether a program of this name is on the search path. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const directory of searchPath.split(delimiter).filter((entry) => entry !== '')) {
    const path = join(directory, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}

async function examineProcessTools(searchPath: string): Promise<readonly Finding[]> {
  if (process.platform === 'win32') return []
  if ((await findProgram('ps', searchPath)) !== null) return [fine('ps', 'ps is installed')]
  const words = 'ps is not installed; PM2 needs it to end the processes of a tree.'
  return [warning('ps', words, 'apt-get install procps')]
}

const FIRST_ORDINARY_UID = 1_000

/**
 * When the last session of an ordinary user ends, logind ends their processes or removes their
 * shared memory, the database's among it, unless that user lingers.
 */
async function examineSessions(): Promise<readonly Finding[]> {
  const uid = process.getuid?.() ?? 0
  if (uid < FIRST_ORDINARY_UID || !(await isThere('/run/systemd/system'))) return []
  const user = userInfo().username
  if (await isThere(`/var/lib/systemd/linger/${user}`))
    return [fine('sessions', `What ${user} runs outlives the last session`)]
  const settings = await readFile('/etc/systemd/logind.conf', 'utf8').catch(() => '')
  if (/^\s*RemoveIPC\s*=\s*no/m.test(settings)) return [fine('sessions', 'RemoveIPC is off')]
  const words =
    `When the last session of ${user} ends, the system removes shared memory of that user, which ` +
    'the embedded database uses.'
  return [warning('sessions', words, `sudo loginctl enable-linger ${user}`)]
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
