// What a thread sends, made small for its way: rows as texts. Copied as objects from one thread to
// another, and made JSON there for the database, they would keep the supervisor's thread busier
// than the whole rest of an item.

import type { FromWorker, SettledItem } from '../src/actor/messages.js'

/** The same message with each result row as the text of its JSON. */
export function packed(message: FromWorker): FromWorker {
  return message.type === 'settled' ? { ...message, items: message.items.map(packedItem) } : message
}

function packedItem(item: SettledItem): SettledItem {
  const { outcome } = item
  if (outcome.result !== 'complete') return item
  const rows: { [sink: string]: readonly string[] } = {}
  for (const [sink, own] of Object.entries(outcome.rows)) {
    rows[sink] = own.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)))
  }
  return { ...item, outcome: { ...outcome, rows } }
}
