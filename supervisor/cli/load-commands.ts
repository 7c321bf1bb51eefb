// The commands by name, each behind an import of its own: a command that reads a table starts in a
// third of the time when it need not load what a node, a browser or a crawl is made of.

import type { Command } from './command.js'

/** In the order in which help lists them. */
const LOADERS: { readonly [name: string]: () => Promise<Command> } = {
  demo: async () => (await import('./commands/demo.js')).demoCommand,
  run: async () => (await import('./commands/run.js')).runCommand,
  up: async () => (await import('./commands/up.js')).upCommand,
  enqueue: async () => (await import('./commands/enqueue.js')).enqueueCommand,
  status: async () => (await import('./commands/status.js')).statusCommand,
  top: async () => (await import('./commands/top.js')).topCommand,
  history: async () => (await import('./commands/history.js')).historyCommand,
  why: async () => (await import('./commands/why.js')).whyCommand,
  audit: async () => (await import('./commands/audit.js')).auditCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  report: async () => (await import('./commands/report.js')).reportCommand,
  spend: async () => (await import('./commands/spend.js')).spendCommand,
  pause: async () => (await import('./commands/pause.js')).pauseCommand,
  resume: async () => (await import('./commands/pause.js')).resumeCommand,
  'run-now': async () => (await import('./commands/run-now.js')).runNowCommand,
  rollout: async () => (await import('./commands/steer.js')).rolloutCommand,
  set: async () => (await import('./commands/steer.js')).setCommand,
  export: async () => (await import('./commands/export.js')).exportCommand,
  records: async () => (await import('./commands/records.js')).recordsCommand,
  documents: async () => (await import('./commands/documents.js')).documentsCommand,
  housekeeping: async () => (await import('./commands/housekeeping.js')).housekeepingCommand,
  init: async () => (await import('./commands/init.js')).initCommand,
  bind: async () => (await import('./commands/bind.js')).bindCommand,
  unbind: async () => (await import('./commands/bind.js')).unbindCommand,
  migrate: async () => (await import('./commands/migrate.js')).migrateCommand,
  torture: async () => (await import('./commands/torture.js')).tortureCommand,
}

/** All commands, as general help and suggestions need them. */
export function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(LOADERS).map((load) => load()))
}

/**
 * The commands that these words can mean: the one that they begin with, or else all, since an
 * option may stand before the command.
 */
export async function loadCommandsFor(words: readonly string[]): Promise<readonly Command[]> {
  const [first = ''] = words
  const load = Object.hasOwn(LOADERS, first) ? LOADERS[first] : undefined
  return load === undefined ? loadCommands() : [await load()]
}
