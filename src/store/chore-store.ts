// The chores of housekeeping as the supervisor sees them.

import type { Chore, Old, Slice, Turn } from './chores.js'
import { endTurn, takeTurn } from './chores.js'
import type { Sql } from './client.js'
import type { Cursor, Dropped, OldReceipts, RetiredSlice } from './retention.js'
import { dropReceipts, findOldReceipts, moveEndings, retireItems } from './retention.js'
import { removeEvents, removeNodes, retireRun } from './retire-rows.js'

export interface ChoreStore {
  readonly takeTurn: (turn: Turn & { readonly gapMs: number }) => Promise<boolean>
  readonly endTurn: (
    pass: Turn & { readonly rows: number; readonly failure: string | null },
  ) => Promise<void>
  readonly findOldReceipts: (keepMs: number) => Promise<readonly OldReceipts[]>
  readonly moveEndings: (slice: {
    readonly nodeId: string
    readonly receipts: OldReceipts
    readonly fromPage: number
    readonly pagesMax: number
    readonly keepMs: number
  }) => Promise<Slice>
  readonly dropReceipts: (of: {
    readonly nodeId: string
    readonly partition: string
  }) => Promise<Dropped>
  readonly retireItems: (old: Old & { readonly after: Cursor }) => Promise<RetiredSlice>
  /** A slice of a chore whose rows stand for themselves. */
  readonly remove: (chore: PlainChore, old: Old) => Promise<Slice>
}

type PlainChore = Exclude<Chore, 'receipts' | 'items'>

export function createChoreStore(sql: Sql): ChoreStore {
  const removers = { runs: retireRun, events: removeEvents, nodes: removeNodes } as const
  return {
    takeTurn: (turn) => takeTurn(sql, turn),
    endTurn: (pass) => endTurn(sql, pass),
    findOldReceipts: (keepMs) => findOldReceipts(sql, keepMs),
    moveEndings: (slice) => moveEndings(sql, slice),
    dropReceipts: (of) => dropReceipts(sql, of),
    retireItems: (old) => retireItems(sql, old),
    remove: (chore, old) => removers[chore](sql, old),
  }
}
