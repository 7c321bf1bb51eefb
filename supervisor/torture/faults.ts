// The kinds of faults, as data: what each does, how often it comes, what it needs, and which of
// them may not happen at once. How a fault is done stands elsewhere; it may be done in several
// ways.

/** What a kind of fault works on. A kind whose need is not met is left out, with a word. */
export type FaultNeed = 'signals' | 'proxy' | 'own-items' | 'server' | 'disk'

/** Faults of one lane follow each other; null: at any time. */
export type FaultLane = 'database' | 'sleep' | null

export interface FaultKind {
  readonly sentence: string
  /** Cards of this kind in a deck. */
  readonly weight: number
  readonly need: FaultNeed
  readonly lane: FaultLane
}

export const FAULT_KINDS = {
  'kill-worker': {
    sentence: 'SIGKILL to a child process',
    weight: 26,
    need: 'signals',
    lane: null,
  },
  'kill-supervisor': {
    sentence: 'SIGKILL to a supervisor; its manager starts another',
    weight: 6,
    need: 'signals',
    lane: null,
  },
  stop: {
    sentence: 'SIGTERM to a supervisor: it drains, its manager starts another',
    weight: 1,
    need: 'signals',
    lane: null,
  },
  freeze: {
    sentence: 'SIGSTOP to a supervisor for longer than its lease, then SIGCONT: a zombie',
    weight: 1,
    need: 'signals',
    lane: 'sleep',
  },
  'freeze-worker': {
    sentence: 'SIGSTOP to a child process for a moment, then SIGCONT',
    weight: 1,
    need: 'signals',
    lane: 'sleep',
  },
  exit: {
    sentence: 'a handler that ends its own process or thread',
    weight: 2,
    need: 'own-items',
    lane: null,
  },
  heap: {
    sentence: 'a handler that takes memory until its process or thread dies of it',
    weight: 1,
    need: 'own-items',
    lane: null,
  },
  cut: {
    sentence: 'every connection to the database is cut at once',
    weight: 1,
    need: 'proxy',
    lane: 'database',
  },
  tear: {
    sentence: 'connections break off in the middle of an answer',
    weight: 1,
    need: 'proxy',
    lane: 'database',
  },
  slow: {
    sentence: 'every word to and from the database is late',
    weight: 1,
    need: 'proxy',
    lane: 'database',
  },
  silence: {
    sentence: 'connections stay up and nothing passes, as behind a dead router',
    weight: 1,
    need: 'proxy',
    lane: 'database',
  },
  'drop-answers': {
    sentence: 'settles and leases that take effect and whose answers are lost',
    weight: 2,
    need: 'proxy',
    lane: 'database',
  },
  restart: {
    sentence: 'the database goes away for a few seconds, as when its server restarts',
    weight: 1,
    need: 'proxy',
    lane: 'database',
  },
  pause: {
    sentence: 'an operator pauses the workflow and resumes it',
    weight: 1,
    need: 'own-items',
    lane: null,
  },
  crash: {
    sentence: 'pg_ctl stop -m immediate, a while of nothing, and pg_ctl start',
    weight: 1,
    need: 'server',
    lane: 'database',
  },
  terminate: {
    sentence: 'pg_terminate_backend for every connection of ours',
    weight: 1,
    need: 'server',
    lane: 'database',
  },
  'disk-full': {
    sentence: "no room left on the device of the database's data",
    weight: 1,
    need: 'disk',
    lane: 'database',
  },
} as const satisfies { readonly [kind: string]: FaultKind }

export type FaultName = keyof typeof FAULT_KINDS

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULT_KINDS, name)
}

export const FAULT_NAMES: readonly FaultName[] = Object.keys(FAULT_KINDS).filter(isFaultName)

/** Kinds that `fetchyard torture` knows. The rest need a server of one's own. */
export const TORTURE_FAULTS: readonly FaultName[] = FAULT_NAMES.filter((name) =>
  ['signals', 'proxy', 'own-items'].includes(FAULT_KINDS[name].need),
)

/** Faults that end a process or thread with everything it had in its slots. */
export const DEADLY: ReadonlySet<FaultName> = new Set([
  'kill-worker',
  'kill-supervisor',
  'freeze',
  'exit',
  'heap',
])

/** Faults under which outcomes wait for the database; a supervisor that dies takes them along. */
export const OUTAGES: ReadonlySet<FaultName> = new Set([
  'cut',
  'tear',
  'slow',
  'silence',
  'drop-answers',
  'restart',
  'crash',
  'terminate',
  'disk-full',
])
