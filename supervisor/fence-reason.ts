import type { Clock } from '../src/core/clock.js'
import type { Store } from '../src/store/store.js'
import { within } from './within.js'

/** Time to ask who fenced us and why. */
const ASK_MS = 2_000

/** What a person should know about the end of a node that was fenced. */
export const FENCED_MEANS =
  'Its items were given to others; nothing it still does counts. A process manager starts a fresh ' +
  'boot after exit code 75; by hand, start the same command again'

/** Asks the node's row who fenced it and why. Never rejects, and never takes long. */
export async function askFenceReason(
  { store, clock }: { readonly store: Pick<Store, 'readFence'>; readonly clock: Clock },
  nodeId: string,
): Promise<string> {
  let reason = 'the database did not say why'
  const asking = store.readFence(nodeId).then((fence) => {
    reason = fence === null ? 'its row is gone' : `${fence.why} (fenced at ${fence.at})`
  })
  await within(clock, ASK_MS, asking)
  return reason
}
