// What the compiler says of a definition. A line that it should refuse carries `@ts-expect-error`,
// which is itself an error when nothing is wrong: this file proves its point by being compiled.

import { expect } from 'chai'
import type { Json, WorkItem } from '../../../src/index.js'
import { defineWorkflow } from '../../../src/index.js'

/** Whether two types are the same, for the compiler. */
type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false
const isSame = <Answer extends true>(answer: Answer) => answer

const sinks = {
  titles: {
    table: 'titles',
    columns: { url: 'text', title: 'text', words: 'integer', raw: 'jsonb', seen: 'boolean' },
    key: ['url'],
  },
} as const

const source = {
  table: 'places',
  key: 'id',
  keyType: 'bigint',
  status: 'status',
  payload: { url: 'text', stars: 'integer', id: 'bigint' },
} as const

describe('defineWorkflow, typed', () => {
  it('types result rows by the columns of their sink', () => {
    const flow = defineWorkflow({
      name: 'typed',
      sinks,
      work: async (item) => ({
        titles: [{ url: item.payload.url, title: null, words: 3, raw: { any: ['json'] } }],
      }),
    })
    defineWorkflow({
      name: 'wrong-type',
      sinks,
      // @ts-expect-error a number is wanted
      work: async () => ({ titles: [{ url: 'x', words: 'three' }] }),
    })
    defineWorkflow({
      name: 'no-key',
      sinks,
      // @ts-expect-error the key is missing
      work: async () => ({ titles: [{ title: 'x' }] }),
    })
    defineWorkflow({
      name: 'null-key',
      sinks,
      // @ts-expect-error a key holds something
      work: () => ({ titles: [{ url: null }] }),
    })
    defineWorkflow({
      name: 'unknown-sink',
      sinks,
      // @ts-expect-error there is no such sink
      work: (): { titels: [] } => ({ titels: [] }),
    })
    expect(flow.name).to.equal('typed')
  })

  it('types the payload by the columns of the source', () => {
    const flow = defineWorkflow({
      name: 'bound',
      source,
      sinks: {},
      work: ({ payload }) => {
        isSame<Same<typeof payload.url, string | null>>(true)
        isSame<Same<typeof payload.stars, number | null>>(true)
        isSame<Same<typeof payload.id, number | string | null>>(true)
        // @ts-expect-error the source gives no such column
        return payload.title === undefined ? {} : {}
      },
    })
    defineWorkflow({
      name: 'names-only',
      source: { ...source, payload: ['url'] },
      sinks: {},
      work: ({ payload }) => {
        isSame<Same<typeof payload.url, Json>>(true)
        return {}
      },
    })
    expect(flow.source).to.equal(source)
  })

  it('types the payload of pushed items by the URL, or by what the handler says', () => {
    defineWorkflow({
      name: 'pushed',
      sinks: {},
      work: (item) => {
        isSame<Same<typeof item.payload, { readonly url: string }>>(true)
        return {}
      },
    })
    const flow = defineWorkflow({
      name: 'own-payload',
      sinks,
      work: (item: WorkItem<{ readonly place: number }>) => ({
        titles: [{ url: item.key, words: item.payload.place }],
      }),
    })
    isSame<Same<Parameters<typeof flow.work>[0]['payload'], { readonly place: number }>>(true)
    expect(flow.work({ key: 'k', payload: { place: 7 } }, {} as never)).to.deep.equal({
      titles: [{ url: 'k', words: 7 }],
    })
  })

  it('lets a payload be named, and then looks at no rows', () => {
    const flow = defineWorkflow<{ readonly place: number }>({
      name: 'named',
      sinks,
      work: (item) => ({ titles: [{ url: item.key, anything: item.payload.place }] }),
    })
    isSame<Same<Parameters<typeof flow.work>[0]['payload'], { readonly place: number }>>(true)
    expect(flow.name).to.equal('named')
  })

  it('types the options', () => {
    const flow = defineWorkflow({
      name: 'options',
      sinks: {},
      options: { concurrency: 4, itemTimeoutMs: '2m', executor: 'thread' },
      work: () => ({}),
    })
    defineWorkflow({
      name: 'misspelt',
      sinks: {},
      // @ts-expect-error there is no such option
      options: { concurency: 4 },
      work: () => ({}),
    })
    expect(flow.options?.concurrency).to.equal(4)
  })
})
