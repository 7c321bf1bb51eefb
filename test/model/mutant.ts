// A store that is broken on purpose: its statements are changed on their way to the database. The
// product is not touched.

import type { Sql } from '../../src/store/client.js'

export interface Mutation {
  /** What is broken, to follow the words "a store in which". */
  readonly name: string
  /** A pattern must be global. */
  readonly from: string | RegExp
  readonly to: string
  /** It changes triggers, which are made when a table is bound. */
  readonly isTrigger?: boolean
}

export interface Mutant {
  readonly sql: Sql
  /** Whether any statement was changed: a mutation that no longer fits the product proves nothing. */
  readonly isEffective: () => boolean
}

export function mutate(sql: Sql, { from, to }: Mutation): Mutant {
  let changes = 0
  const changed = (text: string) => {
    const result = text.replaceAll(from, to)
    if (result !== text) changes += 1
    return result
  }
  const between = (inner: Sql): Sql =>
    new Proxy(inner, {
      apply: (target, self, [first, ...rest]: unknown[]) =>
        Reflect.apply(target, self, [isTemplate(first) ? changedTemplate(first) : first, ...rest]),
      get: (target, name) => {
        if (name === 'unsafe') {
          return (text: string, ...rest: never[]) => target.unsafe(changed(text), ...rest)
        }
        if (name !== 'begin') return Reflect.get(target, name)
        return (work: (transaction: Sql) => unknown) =>
          target.begin((transaction) => work(between(transaction as unknown as Sql)))
      },
    })
  const changedTemplate = (pieces: TemplateStringsArray): TemplateStringsArray =>
    Object.assign(pieces.map(changed), { raw: pieces.raw })
  return { sql: between(sql), isEffective: () => changes > 0 }
}

function isTemplate(first: unknown): first is TemplateStringsArray {
  return Array.isArray(first) && 'raw' in first
}
