// Tells where the dashboard of a node is: the person, and `fetchyard top` by a note.

import { resolve } from 'node:path'
import { ownIdentity } from '../embedded/identity.js'
import type { RunningNode } from '../node.js'
import type { Invocation } from './command.js'
import { say } from './streams.js'
import { leaveWebNote } from './web-notes.js'

/** @returns what resolves when the node has stopped and its note is gone. */
export async function announceWeb(
  node: Pick<RunningNode, 'dashboardUrl' | 'stopped'>,
  { streams, settings, cwd, clock }: Pick<Invocation, 'streams' | 'settings' | 'cwd' | 'clock'>,
): Promise<() => Promise<void>> {
  const url = node.dashboardUrl
  if (url === null) return async () => {}
  say(streams, `Dashboard: ${url}`)
  const startedAtMs = Math.round(clock.wallMs())
  const takeAway = await leaveWebNote(resolve(cwd, settings.dataDir), {
    ...{ url, ...(await ownIdentity()), startedAtMs },
  })
  // One that stays behind is of a process that is gone, and is passed over.
  const gone = node.stopped.then(takeAway, takeAway).catch(() => {})
  // The process may end with the command: it holds a token, and goes before.
  return () => gone
}
