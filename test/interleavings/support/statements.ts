// The store's own statements with a word changed: for a gate between their snapshot and their locks,
// and for faults that the orders must find.

import type { Sql } from '../../../src/store/client.js'

export type Rewrite = (text: string) => string

/** The same connection; the text of statements that are built as text is rewritten. */
export function rewriting(sql: Sql, rewrite: Rewrite): Sql {
  const unsafe = (...[text, ...rest]: Parameters<Sql['unsafe']>) =>
    sql.unsafe(rewrite(text), ...rest)
  return new Proxy(sql, {
    get: (target, name) => (name === 'unsafe' ? unsafe : Reflect.get(target, name)),
  })
}

/** Replaces what must be there. */
export function replaceIn(text: string, pattern: RegExp | string, by: string): string {
  const replaced = text.replace(pattern, () => by)
  if (replaced === text) throw new Error(`nothing matches ${pattern} in: ${text}`)
  return replaced
}

/**
 * Makes a statement wait for an advisory lock after it has taken its snapshot and before it looks at
 * the first pack. On a busy machine this moment can be long; here it is a step of its own.
 */
export function gated(gate: number): Rewrite {
  return (text) =>
    replaceIn(
      replaceIn(
        text,
        /\bwith\s/,
        `with gate as materialized (select pg_advisory_xact_lock_shared(${gate})), `,
      ),
      /\bwhere\s(?=pack\.workflow_id|pack\.pack_id = any|workflow_id = \d+ and node_id|receipt\.ctid|exists \(select from turn\))/,
      'where exists (select from gate) and ',
    )
}
