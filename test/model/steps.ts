import type { FencingRule } from '../../src/core/heartbeat-plan.js'
// The commands of the model tests as plain data, so that fast-check can shrink a sequence and a
// person can paste it into a test. Numbers that pick something are taken modulo what there is.

export const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
export type Key = (typeof KEYS)[number]

/** Picks a node that is fenced; any other number picks one that is not. */
export const FENCED = 9

/** The pushed workflow, or the one whose queue is a table. */
export type Flow = 'pushed' | 'bound'

export const ENDINGS = [
  'complete',
  'retry',
  'snooze',
  'discard',
  'release',
  'cancel',
  'retry-after',
] as const
export type Ending = (typeof ENDINGS)[number]

export const OWNER_WORDS = [
  'Queued',
  null,
  'Held',
  'Cancelled',
  'Processing',
  'Complete',
  'Error',
] as const
export type OwnerWord = (typeof OWNER_WORDS)[number]

/** Which items of a lease: all, or those whose place has its bit. */
export type Part = number

export interface SettleFields {
  readonly pick: number
  readonly part: Part
  readonly ends: readonly Ending[]
  /** Another node than the holder sends it. */
  readonly isStranger: boolean
  /** Each settlement comes twice in the statement. */
  readonly isDoubled: boolean
}

export type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do: 'jump'
      readonly to: 'deadline' | 'run_at' | 'alive_until'
      readonly byUs: number
    }
  | {
      readonly do: 'enqueue'
      readonly keys: readonly Key[]
      readonly again: 0 | 1 | 2
      readonly delayMs: number
      readonly priority: number
    }
  | {
      readonly do: 'lease'
      readonly flow: Flow
      readonly node: number
      readonly itemsMax: number
      readonly packsMax: number
      readonly deadlineMs: number
    }
  | { readonly do: 'boot'; readonly leaseMs: number }
  | {
      readonly do: 'heartbeat'
      readonly node: number
      readonly leaseMs: number
      readonly gapMs: number
    }
  | { readonly do: 'fence'; readonly node: number }
  | { readonly do: 'fenceExpired'; readonly node: number; readonly rule: FencingRule }
  | { readonly do: 'reclaim'; readonly flow: Flow; readonly packsMax: number }
  | {
      readonly do: 'releaseNode'
      readonly flow: Flow
      readonly node: number
      readonly isKnowing: boolean
    }
  | ({ readonly do: 'settle' } & SettleFields)
  | ({ readonly do: 'zombie' } & SettleFields)
  /** Everything a node ever held, with old leases and new, in one statement. */
  | { readonly do: 'settleAll'; readonly node: number; readonly flow: Flow; readonly end: Ending }
  | {
      readonly do: 'crash'
      readonly pick: number
      readonly isAlone: boolean
      readonly mayQuarantine: boolean
    }
  /** The answer to a settle was lost: the receipts are asked, and it is sent again. */
  | { readonly do: 'resend'; readonly pick: number }
  | { readonly do: 'pause'; readonly flow: Flow; readonly reason: 'operator' | 'crashes' }
  | { readonly do: 'resume'; readonly flow: Flow; readonly reason: 'operator' | 'crashes' | null }
  | { readonly do: 'cancel'; readonly flow: Flow; readonly keys: readonly Key[] | null }
  | { readonly do: 'promote'; readonly flow: Flow; readonly keys: readonly Key[] | null }
  | { readonly do: 'fold'; readonly rowsMax: number }
  /** Receipts go, and leave endings. */
  | { readonly do: 'archive' }
  /** Items with endings go. */
  | { readonly do: 'retire' }
  | {
      readonly do: 'ownerInsert'
      readonly keys: readonly Key[]
      readonly word: OwnerWord
      readonly isSelected: boolean
    }
  | {
      readonly do: 'ownerUpdate'
      readonly keys: readonly Key[]
      readonly word?: OwnerWord | undefined
      readonly isSelected?: boolean | undefined
    }
  | { readonly do: 'ownerDelete'; readonly keys: readonly Key[] }
  | {
      readonly do: 'ask'
      readonly keys: readonly Key[]
      readonly again: 'never' | 'when-finished'
    }

export type StepOf<Kind extends Step['do']> = Extract<Step, { readonly do: Kind }>
