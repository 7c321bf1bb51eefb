// What must hold at the end of every order, whoever played.

import { expect } from 'chai'
import type { End } from './explore.js'

const FINAL = ['success', 'error', 'cancelled']

/** Items whose receipt says so, by key and round. */
export function itemsWith(end: End, status: string): readonly string[] {
  return end.state.receipts.filter((one) => one.status === status).map(({ item }) => item)
}

/** Keys in packs of a node; of nobody for null. */
export function heldBy(end: End, node: string | null): readonly string[] {
  return end.state.packs
    .filter((pack) => pack.node === node)
    .flatMap(({ items }) => items)
    .sort()
}

export const keysOf = (answer: unknown): readonly string[] =>
  Array.isArray(answer) ? answer.map(String) : []

/**
 * Whatever settles said they took, and nothing else, has one receipt of theirs; what completed has
 * one row in the sink, written under the lease of its receipt; and nothing ends twice.
 */
export function expectSettledOnce(end: End, settlers: readonly string[]): void {
  const said = settlers.flatMap((name) => keysOf(end.answer(name))).sort()
  const { receipts, results } = end.state
  const settled = receipts.filter(({ status }) => ['success', 'error', 'retry'].includes(status))
  expect(settled.map(({ item }) => item.split('#')[0]).sort(), 'receipts of settles').to.deep.equal(
    said,
  )
  const finals = receipts.filter(({ status }) => FINAL.includes(status)).map(({ item }) => item)
  expect(new Set(finals).size, 'items with one end').to.equal(finals.length)
  const successes = receipts.filter(({ status }) => status === 'success')
  const written = results.map(({ item, lease }) => ({ item, lease }))
  expect(written, 'rows in the sink').to.deep.equal(
    successes.map(({ item, lease }) => ({ item, lease })),
  )
}

/** Whether one thing had happened when the other began. */
export function came(end: End, first: string, then: string): boolean {
  const [before, after] = [end.trace.indexOf(first), end.trace.indexOf(then)]
  return before !== -1 && before < after
}

/** Whether nobody began before the one before had ended. */
export function isSerial({ trace }: { readonly trace: readonly string[] }): boolean {
  const names = trace.map((line) => line.slice(0, line.lastIndexOf(' ')))
  const runs = names.filter((name, index) => name !== names[index - 1])
  return runs.length === new Set(runs).size
}
