// What dead processes left under temporary names: drafts of the ledger's entries and of notes, and
// parts of documents that no later try can go on from. Only names that are made here, only without
// an owner who lives.

import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { OWN_FOLDER } from './ledger.js'
import { isOwned, OWNER } from './owner.js'
import { DocumentParts } from './parts.js'

const DRAFT = new RegExp(`^[0-9a-f-]{32,100}\\.json\\.(${OWNER})\\.[0-9a-f]{12}\\.tmp$`)
const PART = new RegExp(`^[0-9a-f]{32}-(${OWNER})-[0-9a-f]{12}$`)

/** Parts that could be gone on from are kept so long for a try that does. */
const RESUMABLE_AGE_MS = 7 * 24 * 3_600_000

/** @returns how many were removed. A directory that is not there holds none. */
export async function removeLeftovers(directory: string): Promise<number> {
  let removed = 0
  for (const folder of ['ledger', 'parts']) {
    removed += await removeDrafts(join(directory, OWN_FOLDER, folder))
  }
  return removed + (await removeParts(new DocumentParts(directory)))
}

async function removeDrafts(folder: string): Promise<number> {
  let removed = 0
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = DRAFT.exec(name)?.[1]
    if (owner === undefined) continue
    const path = join(folder, name)
    const ageMs = await ageOf(path)
    if (ageMs === null || isOwned(owner, ageMs)) continue
    await unlink(path).catch(() => {})
    removed += 1
  }
  return removed
}

async function removeParts(parts: DocumentParts): Promise<number> {
  let removed = 0
  for (const id of await parts.ids()) {
    const owner = PART.exec(id)?.[1]
    if (owner === undefined) continue
    // A part is written again and again, its note is not: the younger one tells.
    const ages = await Promise.all([ageOf(parts.pathOf(id)), ageOf(parts.noteOf(id))])
    const known = ages.filter((age) => age !== null)
    const ageMs = Math.min(...known)
    if (known.length === 0 || isOwned(owner, ageMs)) continue
    if (ageMs < RESUMABLE_AGE_MS && (await parts.isOfUse(id))) continue
    await parts.remove(id)
    removed += 1
  }
  return removed
}

async function ageOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null)
  return found === null ? null : Date.now() - found.mtimeMs
}
