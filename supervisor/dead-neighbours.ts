// Earlier boots on this machine whose process is gone: nobody has to wait for their lease to end.

import type { NodeIdentity } from '../src/store/nodes.js'
import type { Store } from '../src/store/store.js'
import type { SupervisorDeps } from './supervisor.js'

export async function fenceDeadNeighbours({
  store,
  identity,
  isProcessDead,
}: {
  readonly store: Pick<Store, 'readNeighbours' | 'fenceNode'>
  readonly identity: NodeIdentity
  readonly isProcessDead: SupervisorDeps['isProcessDead']
}): Promise<void> {
  const { machine, nodeId } = identity
  for (const neighbour of await store.readNeighbours({ machine, except: nodeId })) {
    if (!(await isProcessDead(neighbour))) continue
    const by = `${identity.name} (pid ${identity.pid})`
    const reason = `its process (pid ${neighbour.pid}) was found dead by ${by}`
    await store.fenceNode({ nodeId: neighbour.nodeId, reason })
  }
}
