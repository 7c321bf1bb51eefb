// Where the nodes of this directory listen, and with which token: a note a node, in the data
// directory, that nobody but its owner can read. `fetchyard top` finds them there, since a token
// that is made up at each start is known from nowhere else.

import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSameProcess, observeProcess } from '../embedded/identity.js'

export interface WebNote {
  /** Address of the dashboard with its token. */
  readonly url: string
  readonly pid: number
  /** When the process was born: its pid may be given to another one. */
  readonly born: string | null
  readonly startedAtMs: number
}

const FOLDER = 'web'
const SUFFIX = '.json'

/**
 * Leaves a note. One that cannot be written is no reason not to work: the address is also printed.
 *
 * @returns what takes it away again.
 */
export async function leaveWebNote(dataDir: string, note: WebNote): Promise<() => Promise<void>> {
  const folder = join(dataDir, FOLDER)
  const path = join(folder, `${note.pid}${SUFFIX}`)
  try {
    await mkdir(folder, { recursive: true })
    // Also of a folder that was there.
    await chmod(folder, 0o700)
    // A token is not to be committed with the project that it stands in.
    await writeFile(join(folder, '.gitignore'), '*\n')
    const draft = join(folder, `${note.pid}.part`)
    // A file that is there already would keep the rights it has.
    await rm(draft, { force: true })
    await writeFile(draft, `${JSON.stringify(note)}\n`, { mode: 0o600 })
    await rename(draft, path)
    await forgetDead(folder)
  } catch {
    // What is there of it goes at the end all the same.
  }
  return () => rm(path, { force: true }).catch(() => {})
}

/** Notes of nodes that live, the youngest first. */
export async function readWebNotes(dataDir: string): Promise<readonly WebNote[]> {
  const folder = join(dataDir, FOLDER)
  const names = await readdir(folder).catch(() => [])
  const notes: WebNote[] = []
  for (const name of names.filter((file) => file.endsWith(SUFFIX))) {
    const note = parseWebNote(await readFile(join(folder, name), 'utf8').catch(() => ''))
    if (note !== null && (await isOfLiving(note))) notes.push(note)
  }
  return notes.sort((a, b) => b.startedAtMs - a.startedAtMs)
}

export function parseWebNote(text: string): WebNote | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if (!('url' in value && 'pid' in value && 'startedAtMs' in value)) return null
  const { url, pid, startedAtMs } = value
  const born = 'born' in value && typeof value.born === 'string' ? value.born : null
  if (typeof url !== 'string' || typeof pid !== 'number') return null
  return typeof startedAtMs === 'number' ? { url, pid, born, startedAtMs } : null
}

const isOfLiving = async (note: WebNote) => isSameProcess(note, await observeProcess(note.pid))

/** Nodes that were killed could not take their notes away. */
async function forgetDead(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    // The draft of one that was killed while it wrote holds a token, too.
    if (!/^\d+\.(?:json|part)$/.test(name)) continue
    const path = join(folder, name)
    const note = parseWebNote(await readFile(path, 'utf8').catch(() => ''))
    const isKept =
      note === null
        ? (await observeProcess(Number.parseInt(name, 10))).alive
        : await isOfLiving(note)
    if (!isKept) await rm(path, { force: true })
  }
}
