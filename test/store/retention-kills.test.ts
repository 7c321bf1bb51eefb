// A process that removes what is old is killed at any moment: nothing of its slice, or all of it.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { audit } from '../../src/store/audit.js'
import { keys, useYard } from '../support/factory.js'

const CHILD = fileURLToPath(new URL('../support/removing-child.js', import.meta.url))
const ITEMS = 1_000
const KILLS = 5

describe('retention under kill -9', () => {
  const yard = useYard()
  const children: ChildProcess[] = []
  after(() => {
    for (const child of children) child.kill('SIGKILL')
  })

  const start = (nodeId: string): ChildProcess => {
    const child = fork(CHILD, [yard.url, nodeId], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    children.push(child)
    return child
  }

  const killAfter = async (child: ChildProcess, reports: number): Promise<void> => {
    const exited = once(child, 'exit')
    let seen = 0
    child.on('message', () => {
      seen += 1
      // Whatever it does at this moment, and it does the next slice.
      if (seen === reports) child.kill('SIGKILL')
    })
    const [, signal] = await exited
    expect(signal).to.equal('SIGKILL')
  }

  it('keeps the books balanced after every kill, and the next one finishes', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    await yard.enqueue(workflow, keys(ITEMS, 'old'))
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId, { itemsMax: ITEMS }))
    await yard.enqueue(workflow, keys(10, 'open'))
    await yard.sql`update fetchyard.housekeeping set turn_of = ${nodeId}`
    let retired = 0
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await killAfter(start(nodeId), kill)
      const report = await audit(yard.sql)
      expect(report.isClean, JSON.stringify(report.checks)).to.equal(true)
      expect(report.enqueued).to.equal(ITEMS + 11)
      expect(report.retired).to.be.at.least(retired)
      retired = report.retired
    }
    expect(retired, 'the kills came in the middle').to.be.within(1, ITEMS - 1)
    expect(await once(start(nodeId), 'exit')).to.deep.equal([0, null])
    const report = await audit(yard.sql)
    const rest = { queued: 10, finished: 0, retired: ITEMS + 1 }
    expect(report).to.include({ isClean: true, enqueued: ITEMS + 11, ...rest })
  })
})
