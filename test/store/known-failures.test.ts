import { expect } from 'chai'
import type { Sql } from '../../src/store/client.js'
import { forgetFailures, forgetOldFailures } from '../../src/store/known-failures.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { behind } from './support/locks.js'

const DAY_MS = 86_400_000
const MISSING = {
  event: 'discard',
  code: 'http_4xx',
  httpStatus: 404,
  credits: 1,
  isLasting: true,
} as const

describe('store/known-failures', () => {
  const yard = useYard()
  let asked = 0
  const url = 'https://shop.example/missing'

  /** Asks for the URL under a key of its own. */
  const lease = async (workflow: WorkflowHandle, key: string, failureAgeMs = 30 * DAY_MS) => {
    await yard.enqueue(workflow, [key], { payload: { url } })
    const nodeId = await yard.node()
    const limits = { itemsMax: 10, packsMax: 10, deadlineMs: 600_000 }
    const packs = await yard.store.leasePacks(workflow, { nodeId, failureAgeMs, ...limits })
    const [pack] = packs
    const [item] = pack?.items ?? []
    if (pack === undefined || item === undefined) throw new Error('nothing was leased')
    const { items: _, ...counts } = pack
    return { item, nodeId, held: { ...counts, itemId: item.itemId, itemKey: item.itemKey } }
  }
  const failed = async () => {
    const workflow = await yard.workflow()
    const { nodeId, held, item } = await lease(workflow, 'first')
    expect(item.known).to.equal(undefined)
    await yard.settle(workflow, nodeId, [settlement(held, MISSING)])
    return workflow
  }
  /** Leases an item for each URL. @returns what settles them as failed. */
  const failing = async (workflow: WorkflowHandle, urls: readonly string[]) => {
    asked += 1
    for (const url of urls) {
      await yard.enqueue(workflow, [`${url} ${asked}`], { payload: { url } })
    }
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    return () =>
      yard.settle(
        workflow,
        nodeId,
        held.map((item) => settlement(item, MISSING)),
      )
  }
  const day = () => new Date().toISOString().slice(0, 10)

  it('tells of a charged failure whoever leases its URL next, in any item and round', async () => {
    const workflow = await failed()
    const { item } = await lease(workflow, 'second')
    expect(item.known).to.deep.equal({ code: 'http_4xx', httpStatus: 404, day: day() })
    expect((await lease(workflow, 'third', 0)).item.known, 'not asked for').to.equal(undefined)
    const other = await yard.workflow()
    expect((await lease(other, 'first')).item.known, 'another workflow').to.equal(undefined)
  })

  it('remembers no failure that was not charged, and none without a URL', async () => {
    const workflow = await yard.workflow()
    const { nodeId, held } = await lease(workflow, 'first')
    await yard.settle(workflow, nodeId, [settlement(held, { ...MISSING, isLasting: false })])
    expect((await lease(workflow, 'second')).item.known).to.equal(undefined)
    const bare = await yard.leased(1)
    await yard.settle(bare.workflow, bare.nodeId, [settlement(bare.first, MISSING)])
    const [row] = await yard.sql`
      select from fetchyard.known_failure where workflow_id = ${bare.workflow.workflowId}`
    expect(row).to.equal(undefined)
  })

  it('forgets by age, and at once when somebody asks again', async () => {
    const workflow = await failed()
    const { workflowId } = workflow
    await yard.sql`
      update fetchyard.known_failure set failed_at = now() - interval '31 days'
       where workflow_id = ${workflowId}`
    expect((await lease(workflow, 'second')).item.known).to.equal(undefined)
    expect((await lease(workflow, 'third', 32 * DAY_MS)).item.known?.httpStatus).to.equal(404)
    expect(
      await forgetFailures(yard.sql, { workflowId, urls: [url, 'https://x.example/'] }),
    ).to.equal(1)
    expect((await lease(workflow, 'fourth', 32 * DAY_MS)).item.known).to.equal(undefined)
  })

  it('is forgotten and remembered by two at once, who take turns', async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    const urls = keys(20, 'https://turns.example/page')
    await (await failing(workflow, urls))()
    for (const url of [6, 13].map((at) => urls[at] ?? '')) {
      const remember = await failing(workflow, urls)
      const meet = () =>
        Promise.all([forgetFailures(yard.sql, { workflowId, urls: urls.toReversed() }), remember()])
      const hold = (transaction: Sql) => transaction`
        select from fetchyard.known_failure
         where workflow_id = ${workflowId}
           and url_digest = sha256(convert_to(${url}, 'UTF8')) for update`
      await behind(yard.sql, hold, meet, 2)
      const rows = await yard.sql`
        select from fetchyard.known_failure where workflow_id = ${workflowId}`
      expect(rows.length, 'one came after the other').to.be.oneOf([0, urls.length])
      await (await failing(workflow, urls))()
    }
  })

  it('keeps the table small: what no option may ask for any more goes', async () => {
    const workflow = await failed()
    await yard.sql`
      insert into fetchyard.known_failure (workflow_id, url_digest, failed_at, outcome_code)
      select ${workflow.workflowId}, sha256(n::text::bytea), now() - interval '366 days', 'http_4xx'
        from generate_series(1, 50) as n`
    expect(await forgetOldFailures(yard.sql, 20)).to.equal(20)
    expect(await forgetOldFailures(yard.sql, 100)).to.equal(30)
    expect((await lease(workflow, 'second')).item.known?.code).to.equal('http_4xx')
  })

  it('keeps the table small: beyond the number that is kept the oldest go', async () => {
    const workflow = await yard.workflow()
    await yard.sql`delete from fetchyard.known_failure`
    await yard.sql`
      insert into fetchyard.known_failure (workflow_id, url_digest, failed_at, outcome_code)
      select ${workflow.workflowId}, sha256(n::text::bytea), now() - n * interval '1 hour', 'http_4xx'
        from generate_series(1, 50) as n`
    await yard.sql`analyze fetchyard.known_failure`
    expect(await forgetOldFailures(yard.sql, 100, 40)).to.equal(10)
    const [row] = await yard.sql<{ hours: number }[]>`
      select round(extract(epoch from now() - min(failed_at)) / 3600)::int as hours
        from fetchyard.known_failure`
    expect(row?.hours).to.equal(40)
  })
})
