// Holding the model against the tables. Numbers are the database's to give: the model invents
// provisional ones and takes the real ones over, once it is checked that the choice was right.

import { expect } from 'chai'
import type { QueueModel } from './queue-model.js'
import type { ModelPack } from './queue-rows.js'
import type { NodeLine, Snapshot } from './tables.js'

/** Numbers from here on are the model's own, until it learns the real ones. */
export const PROVISIONAL = 1_000_000_000_000

const isProvisional = (id: string) => Number(id) >= PROVISIONAL

/** The highest numbers the database has given: it gives none again. */
export interface Highest {
  pack: number
  lease: number
}

/** How a model learns the numbers of what a statement has made. */
export class Adoption {
  readonly #model: QueueModel
  readonly #highest: Highest

  constructor(model: QueueModel, highest: Highest) {
    this.#model = model
    this.#highest = highest
  }

  /** @param isOrderFree the statement may have put the items of a new pack in any order. */
  adopt(snapshot: Snapshot, isOrderFree: boolean): void {
    this.#adoptItems(snapshot)
    this.#adoptPacks(snapshot, isOrderFree)
    this.#adoptLeases(snapshot)
  }

  #adoptItems(snapshot: Snapshot): void {
    const { items } = this.#model
    const renamed = new Map<string, string>()
    for (const item of items.values()) {
      if (!isProvisional(item.itemId)) continue
      const real = snapshot.items.find(
        ([, workflowId, key, round]) =>
          workflowId === item.workflowId && key === item.key && round === item.round,
      )
      if (real !== undefined) renamed.set(item.itemId, `${real[0]}`)
    }
    if (renamed.size === 0) return
    for (const [provisional, itemId] of renamed) {
      const item = items.get(provisional)
      if (item === undefined) continue
      items.delete(provisional)
      this.#model.putItem({ ...item, itemId })
    }
    for (const pack of this.#model.packs.values()) {
      pack.itemIds = pack.itemIds.map((id) => renamed.get(id) ?? id)
    }
  }

  #adoptPacks(snapshot: Snapshot, isOrderFree: boolean): void {
    const { packs } = this.#model
    const before = this.#highest.pack
    for (const pack of [...packs.values()].filter(({ packId }) => isProvisional(packId))) {
      const real = snapshot.packs.find(([, , , , , , , , ids]) => isSameSet(ids, pack))
      if (real === undefined) continue
      const [id, , , , , , , , itemIds] = real
      expect(id, 'the number of a new pack').to.be.greaterThan(before)
      this.#highest.pack = Math.max(this.#highest.pack, id)
      packs.delete(pack.packId)
      packs.set(`${id}`, {
        ...pack,
        packId: `${id}`,
        itemIds: isOrderFree ? itemIds.map(String) : pack.itemIds,
      })
    }
  }

  #adoptLeases(snapshot: Snapshot): void {
    const before = this.#highest.lease
    const taken = new Set<number>()
    for (const [packId, , , , , , , , , leaseId] of snapshot.packs) {
      const lease = this.#model.packs.get(`${packId}`)?.lease ?? null
      if (lease === null || leaseId === null || !isProvisional(lease.leaseId)) continue
      expect(leaseId, 'the number of a new lease').to.be.greaterThan(before)
      expect(taken.has(leaseId), 'two packs with one lease').to.equal(false)
      taken.add(leaseId)
      this.#highest.lease = Math.max(this.#highest.lease, leaseId)
      const pack = this.#model.packs.get(`${packId}`)
      if (pack !== undefined) pack.lease = { ...lease, leaseId: `${leaseId}` }
    }
  }
}

function isSameSet(ids: readonly number[], pack: ModelPack): boolean {
  return ids.length === pack.itemIds.length && ids.every((id) => pack.itemIds.includes(`${id}`))
}

const ascending = (a: readonly unknown[], b: readonly unknown[]) => Number(a[0]) - Number(b[0])
const byText = (a: readonly unknown[], b: readonly unknown[]) => (`${a}` < `${b}` ? -1 : 1)

/** What the tables must say, by the model. */
function expectedSnapshot(model: QueueModel, workflowIds: readonly number[]): Snapshot {
  const items = [...model.items.values()].sort((a, b) => Number(a.itemId) - Number(b.itemId))
  return {
    items: items.map(({ itemId, workflowId, key, round }) => {
      return [Number(itemId), workflowId, key, round]
    }),
    packs: [...model.packs.values()].map(packRow).sort(ascending),
    receipts: items.flatMap(({ itemId }) =>
      (model.receipts.get(itemId) ?? []).map(({ leaseId, nodeId, attempt, status, code }) => {
        return [Number(itemId), Number(leaseId), nodeId, attempt, status, code] as const
      }),
    ),
    endings: [...model.endings.values()]
      .map(({ itemId, leaseId, attempt, status, code }) => {
        return [Number(itemId), Number(leaseId), attempt, status, code] as const
      })
      .sort(ascending),
    tallies: [...model.tallies]
      .map(([address, count]): [number, string, number] => {
        const [workflowId = '', event = ''] = address.split(' ')
        return [Number(workflowId), event, count]
      })
      .sort(byText),
    tallyRows: 0,
    results: expectedResults(model),
    pages: [...model.bound.values()].flatMap(({ rows }) =>
      [...rows]
        .map(([key, row]): [string, string | null, boolean] => [key, row.word, row.isSelected])
        .sort(byText),
    ),
    nodes: [...model.nodes.values()]
      .map(({ nodeId, aliveUntilUs, steadySinceUs, fencedWhy }): NodeLine => {
        return [nodeId, aliveUntilUs, steadySinceUs, fencedWhy]
      })
      .sort(byText),
    words: items.map(({ itemId }) => [Number(itemId), model.wordOf(itemId)]),
    paused: workflowIds.map((id) => [id, [...(model.pausedBy.get(id) ?? [])]]),
  }
}

function packRow(pack: ModelPack): Snapshot['packs'][number] {
  const { packId, workflowId, priority, attempt, snoozes, crashes, lonelyCrashes } = pack
  const { runAtUs, itemIds, lease } = pack
  const counts = [priority, attempt, snoozes, crashes, lonelyCrashes] as const
  const ids = itemIds.map(Number)
  const holder = lease === null ? ([null, null, null] as const) : leaseRow(lease)
  return [Number(packId), workflowId, ...counts, runAtUs, ids, ...holder]
}

function leaseRow(lease: NonNullable<ModelPack['lease']>) {
  return [Number(lease.leaseId), lease.nodeId, lease.deadlineUs] as const
}

function expectedResults(model: QueueModel): Snapshot['results'] {
  return [...model.results.values()]
    .flat()
    .flatMap(({ key, leaseId, rows }) =>
      (rows.results ?? []).map((row): [string, string, number] => {
        const token = typeof row === 'string' ? row : row.token
        return [`${token}`, key, Number(leaseId)]
      }),
    )
    .sort(byText)
}

/** Fails with the first table that is not what the model says. */
export function expectSame(snapshot: Snapshot, model: QueueModel, flows: readonly number[]): void {
  const real = { ...snapshot, tallyRows: 0 }
  const expected = expectedSnapshot(model, flows)
  if (JSON.stringify(real) === JSON.stringify(expected)) return
  for (const table of Object.keys(expected) as (keyof Snapshot)[]) {
    expect(real[table], `table ${table}`).to.deep.equal(expected[table])
  }
  // The same values in another order of keys.
  expect(real).to.deep.equal(expected)
}
