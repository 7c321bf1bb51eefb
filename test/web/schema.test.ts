import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { CLUSTER_STATES, LIVE_TOPICS } from '../../src/telemetry/live-topics.js'
import { parseClientMessage } from '../../supervisor/web/frames.js'
import { createJudge, SCHEMA } from './support/schema.js'

const PROTOCOL = readFileSync('docs/live-protocol.md', 'utf8')

/** The examples of the document by the heading that they stand under. */
function examples(): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>()
  for (const section of PROTOCOL.split(/^#{2,3} /m)) {
    const title = /^`?([\w-]+)`?/.exec(section)?.[1] ?? ''
    const text = /^```json\n([\s\S]*?)^```/m.exec(section)?.[1]
    if (text !== undefined) found.set(title, JSON.parse(text))
  }
  return found
}

/** The definition that an example of a section is held against. */
const DEFINITION_OF: { readonly [section: string]: string } = {
  Connect: 'ticketAnswer',
  Without: 'topicAnswer',
}

describe('web/schema', () => {
  const strict = createJudge({ isStrict: true })
  const lenient = createJudge({ isStrict: false })

  for (const [title, example] of examples()) {
    it(`fits the example of "${title}" in the document`, () => {
      const definition = DEFINITION_OF[title] ?? title
      expect(strict(definition, example)).to.deep.equal([])
    })
  }

  it('is linked from the document, and the document names every topic', () => {
    expect(PROTOCOL).to.contain('](live-protocol.schema.json)')
    for (const topic of LIVE_TOPICS) expect(PROTOCOL).to.contain(`### \`${topic}\``)
  })

  it('defines every topic, and the states that there are', () => {
    for (const topic of LIVE_TOPICS) expect(SCHEMA.$defs).to.have.property(topic)
    expect(JSON.stringify(SCHEMA.$defs.stats)).to.contain(JSON.stringify(CLUSTER_STATES))
  })

  const example = (name: string): object => Object(examples().get(name))
  const wrong: readonly [words: string, definition: string, document: object][] = [
    ['a frame without its type', 'serverFrame', { v: 1 }],
    ['a greeting without a boot', 'serverFrame', { ...example('hello'), epoch: undefined }],
    ['a snapshot without a number', 'serverFrame', { ...example('snap'), seq: 0 }],
    ['a snapshot of what is not its topic', 'snap', { ...example('snap'), topic: 'stats' }],
    ['a state that there is not', 'stats', { ...example('stats'), state: 'asleep' }],
    ['a null', 'stats', { ...example('stats'), etaMs: null }],
    [
      'a count below nothing',
      'itemCounts',
      { ...Object(Reflect.get(example('stats'), 'items')), queued: -1 },
    ],
    ['an event without a number', 'events', { first: {} }],
    ['a point of history that is too short', 'history', { 1: [1, 2, 3] }],
  ]
  for (const [words, definition, document] of wrong) {
    it(`refuses ${words}`, () => {
      const sent: unknown = JSON.parse(JSON.stringify(document))
      expect(lenient(definition, sent)).to.not.deep.equal([])
    })
  }

  it('lets a later version add fields, which we must describe', () => {
    const later = { ...example('bye'), farewell: true }
    expect(lenient('serverFrame', later)).to.deep.equal([])
    expect(strict('serverFrame', later)).to.not.deep.equal([])
  })

  const messages: readonly unknown[] = [
    { t: 'sub', topics: [] },
    { t: 'sub', topics: ['stats', 'of-the-future'], hz: 9 },
    { t: 'sub', topics: ['stats'], hz: 1, more: true },
    { t: 'sub' },
    { t: 'sub', topics: 'stats' },
    { t: 'sub', topics: [1] },
    { t: 'sub', topics: Array.from({ length: 32 }, String) },
    { t: 'sub', topics: Array.from({ length: 33 }, String) },
    { t: 'sub', topics: [], hz: '1' },
    { t: 'resync' },
    { t: 'resync', topic: 'stats' },
    { t: 'resync', topic: 7 },
    { t: 'of-the-future', x: 1 },
    { t: 5 },
    {},
    [],
    17,
    null,
  ]
  for (const message of messages) {
    const text = JSON.stringify(message)
    it(`agrees with the server about ${text.slice(0, 60)}`, () => {
      const isTaken = parseClientMessage(text) !== null
      expect(lenient('clientMessage', message).length === 0).to.equal(isTaken)
    })
  }
})
