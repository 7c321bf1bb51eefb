// A table of the user's that is a workflow's queue, as plain data: its rows, what its owner does to
// them, and which of that the triggers understand as a wish.

import type { ModelAgain } from './queue-rows.js'

export interface BoundRow {
  word: string | null
  /** Whether the row matches the binding's filter. */
  isSelected: boolean
  /** The owner wrote a word that is the queue's to write: the row no longer says how it stands. */
  isForged: boolean
}

export interface Wish {
  readonly key: string
  readonly again: ModelAgain
}

/** Words by which the queue says how an item stands. */
const OURS = new Set<string | null>(['Processing', 'Complete', 'Error'])

const isWanted = ({ word, isSelected }: BoundRow) => word === 'Queued' && isSelected

export class BoundTable {
  readonly rows = new Map<string, BoundRow>()

  /** The queue's own write: only over the words it left there. */
  writeBack(key: string, word: string, over: readonly string[]): void {
    const row = this.rows.get(key)
    if (row === undefined || row.word === null || !over.includes(row.word)) return
    row.word = word
  }

  /**
   * Inserts rows that are not there.
   *
   * @param isLeased whether the latest item of a key is under way.
   */
  insert(
    keys: readonly string[],
    fields: { readonly word: string | null; readonly isSelected: boolean },
    isLeased: (key: string) => boolean,
  ): readonly Wish[] {
    const fresh = [...new Set(keys)].filter((key) => !this.rows.has(key))
    return fresh.flatMap((key) => {
      const row = { ...fields, isForged: OURS.has(fields.word) }
      this.rows.set(key, row)
      return isWanted(row) ? [{ key, again: isLeased(key) ? 2 : 1 } as const] : []
    })
  }

  /** Changes rows by one statement of their owner's. */
  update(
    keys: readonly string[],
    change: { readonly word?: string | null; readonly isSelected?: boolean },
    isLeased: (key: string) => boolean,
  ): readonly Wish[] {
    return [...new Set(keys)].flatMap((key) => {
      const row = this.rows.get(key)
      if (row === undefined) return []
      const before = { ...row }
      if (change.word !== undefined) {
        row.word = change.word
        row.isForged = OURS.has(change.word)
      }
      if (change.isSelected !== undefined) row.isSelected = change.isSelected
      if (isWanted(before) || !isWanted(row)) return []
      return [{ key, again: before.word === 'Processing' || isLeased(key) ? 2 : 1 } as const]
    })
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) this.rows.delete(key)
  }
}
