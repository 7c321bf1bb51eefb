import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { dataDirectoryError, readIfThere, writePrivate } from './files.js'

/** What a data directory remembers of its database, in `embedded.json`, readable by its owner. */
export interface Memory {
  readonly version: 1
  /**
   * Directory that holds `pg` when the server cannot reach the data directory; `null` for the data
   * directory itself, which may be moved.
   */
  readonly home: string | null
  readonly password: string
  /** Whether `pg` was made: from then on its absence is a loss, not a beginning. */
  readonly created: boolean
  /** Whether the running server was started for a short command, whose last user stops it. */
  readonly temporary: boolean
}

export async function recall(dataDir: string): Promise<Memory | null> {
  const text = await readIfThere(fileOf(dataDir))
  if (text === null) return null
  const memory = parseMemory(text)
  if (memory !== null) return memory
  throw dataDirectoryError({
    path: dataDir,
    problem: `has a file ${fileOf(dataDir)} that cannot be read as this version's`,
    fix: 'Restore the file, or move the whole data directory away to begin with an empty database',
  })
}

export async function remember(dataDir: string, memory: Memory): Promise<void> {
  await writePrivate(fileOf(dataDir), `${JSON.stringify(memory, null, 2)}\n`)
}

/** A fresh memory: hexadecimal, so that the password needs no escape in any URL. */
export function newMemory(home: string | null): Memory {
  const password = randomBytes(24).toString('hex')
  return { version: 1, home, password, created: false, temporary: false }
}

export function parseMemory(text: string): Memory | null {
  try {
    const value: unknown = JSON.parse(text)
    return isMemory(value) ? value : null
  } catch {
    return null
  }
}

function isMemory(value: unknown): value is Memory {
  if (typeof value !== 'object' || value === null) return false
  if (!('version' in value && 'home' in value && 'password' in value)) return false
  if (!('created' in value && 'temporary' in value)) return false
  return (
    value.version === 1 &&
    (value.home === null || typeof value.home === 'string') &&
    typeof value.password === 'string' &&
    typeof value.created === 'boolean' &&
    typeof value.temporary === 'boolean'
  )
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'embedded.json')
}
