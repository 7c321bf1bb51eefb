// The screen of events: what the database keeps, warnings and orders, and what this node saw last.

import { byId, element, setOptions } from './dom.js'
import { moment } from './format.js'

const LEVEL_TONES = { debug: 'quiet', info: 'quiet', warn: 'warn', error: 'bad' }
/** Events that are kept on the page. */
const STORED_MAX = 1_000

export function createEvents({ api }) {
  const view = { events: [], next: null, isFurther: false }
  setOptions(byId('events-level'), [
    ['', 'any'],
    ['info', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
  ])
  const ask = async (before) => {
    const level = byId('events-level').value
    const workflow = byId('events-workflow').value
    return api.post('api/events/find', { level, workflow, before })
  }
  const again = async () => {
    view.isFurther = false
    show(view, await ask(null))
  }
  byId('events-form').addEventListener('change', () => again().catch(() => {}))
  byId('stored-more').addEventListener('click', async () => {
    const { events, next } = await ask(view.next).catch(() => ({ events: [], next: view.next }))
    view.isFurther = true
    show(view, { events: [...view.events, ...events].slice(0, STORED_MAX), next })
  })
  return {
    /** Newer events are looked for while the first page is shown. */
    isFirstPage: () => !view.isFurther,
    again,
    draw: ({ events = {}, workflows = {} }) => {
      const names = Object.keys(workflows)
      setOptions(byId('events-workflow'), [['', 'any'], ...names.map((name) => [name, name])])
      const lines = Object.entries(events)
        .sort(([a], [b]) => Number(b) - Number(a))
        .map(([key, { node, words, ...event }]) => {
          return { key, ...event, words: node === undefined ? words : `${node}: ${words}` }
        })
      drawLines('events', lines)
    },
  }
}

function show(view, { events, next }) {
  view.events = events
  view.next = next
  const lines = events.map(({ eventId, at, level, name, workflow, message }) => ({
    key: eventId,
    atMs: Date.parse(at),
    level,
    name,
    words: `${workflow === null ? '' : `${workflow}: `}${name} ${message}`,
  }))
  drawLines('stored', lines)
  byId('stored-more').hidden = next === null
}

function drawLines(id, wanted) {
  const list = byId(id)
  const known = new Map([...list.children].map((line) => [line.dataset.key, line]))
  byId(`${id}-empty`).hidden = wanted.length > 0
  if (known.size === wanted.length && wanted.every(({ key }) => known.has(key))) return
  list.replaceChildren(...wanted.map((event) => known.get(event.key) ?? eventLine(event)))
}

function eventLine({ key, atMs, level, name, words }) {
  const line = element('li', { title: name })
  line.dataset.key = key
  const time = element('time', { datetime: new Date(atMs).toISOString() }, moment(atMs))
  const tag = element('span', { 'data-tone': LEVEL_TONES[level] ?? 'quiet' }, level)
  line.append(time, tag, element('span', { class: 'words' }, words))
  return line
}
