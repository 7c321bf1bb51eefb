// The least that a durable queue on this Postgres must do: one statement that takes rows and one
// commit, over two connections. Nothing is leased, nothing is kept of what was taken.
//
//   node raw-contender.js <database url> row|pack

import { connect, type Sql } from '../../src/store/client.js'
import { serveContender } from './serve-contender.js'

const CONNECTIONS = 2
/** Items taken by a statement, and those of a pack. */
const TAKEN_ITEMS = 500

const TABLES = `
  create table public.raw_row (id bigint generated always as identity primary key, payload jsonb);
  create table public.raw_pack (id bigint generated always as identity primary key, payloads jsonb)`

const TAKE = {
  row: `delete from public.raw_row
         where id = any (array(select id from public.raw_row order by id
                                limit ${TAKEN_ITEMS} for update skip locked))
        returning payload`,
  pack: `delete from public.raw_pack
          where id = any (array(select id from public.raw_pack order by id
                                 limit 1 for update skip locked))
         returning payloads`,
} as const

const PUT = {
  row: `insert into public.raw_row (payload)
        select value from jsonb_array_elements($1::text::jsonb)`,
  pack: `insert into public.raw_pack (payloads) values ($1::text::jsonb)`,
} as const

type Kind = keyof typeof TAKE

async function take(sql: Sql, kind: Kind, onTaken: (items: number) => void): Promise<void> {
  for (;;) {
    const rows = await sql.unsafe<{ payload?: object; payloads?: readonly object[] }[]>(
      TAKE[kind],
      [],
      { prepare: true },
    )
    if (rows.length === 0) return
    onTaken(kind === 'row' ? rows.length : (rows[0]?.payloads?.length ?? 0))
  }
}

async function main(url: string, kind: Kind): Promise<void> {
  const { sql, close } = await connect({ url, poolMax: CONNECTIONS, pooling: 'direct' })
  await sql.unsafe(TABLES)
  serveContender({
    sliceItems: TAKEN_ITEMS,
    fill: (items) => sql.unsafe(PUT[kind], [JSON.stringify(items.map((item) => item.payload))]),
    drain: async (items, onFirst) => {
      let taken = 0
      const onTaken = (more: number) => {
        if (taken === 0) onFirst()
        taken += more
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, () => take(sql, kind, onTaken)))
      if (taken !== items) throw new Error(`Expected ${items} items, took ${taken}.`)
    },
    stop: close,
  })
}

await main(process.argv[2] ?? '', process.argv[3] === 'pack' ? 'pack' : 'row')
