// What the screen shows: which page, from which line on, with which filter; and what keys change of
// that. Pure, so that it can be tried without a terminal.

import type { MonotonicMs } from '../../../src/core/clock.js'
import { num } from './fields.js'
import { showMs } from './format.js'
import type { Key } from './keys.js'
import { bold, dim, green, type Line, lengthOf, red, type Span, spread, yellow } from './lines.js'
import type { LinkView } from './live-link.js'
import { overview, selfName, stateSpan } from './overview.js'
import { eventLines, hostTable, nodeTable, workflowTable } from './tables.js'

export const TABS = ['Overview', 'Workflows', 'Nodes', 'Hosts', 'Events'] as const

export interface Page {
  readonly tab: number
  /** Lines that are scrolled away. */
  readonly scroll: number
  readonly filter: string
  readonly isTyping: boolean
  readonly isHelp: boolean
  readonly isFrozen: boolean
}

export const FIRST_PAGE: Page = {
  ...{ tab: 0, scroll: 0, filter: '' },
  ...{ isTyping: false, isHelp: false, isFrozen: false },
}

/** Lines that are not the page's own: two above it and a free one, one below. */
const FRAME_ROWS = 4
const HELP: readonly (readonly [keys: string, words: string])[] = [
  ['1 to 5', 'a page; also Tab, ← →, h l'],
  ['j k ↑ ↓', 'a line down or up; PageUp, PageDown, g for the first'],
  ['/', 'show only lines with these words; Enter keeps, Escape forgets them'],
  ['space', 'hold the picture still, and let it go on'],
  ['Ctrl-L', 'draw everything anew'],
  ['?', 'this; any key leaves it'],
  ['q', 'quit; also Ctrl-C'],
]

/** @returns null when the person is done. */
export function pressed(page: Page, key: Key, rows: number): Page | null {
  if (key.does === 'quit') return null
  if (page.isTyping) return typed(page, key)
  if (page.isHelp) return { ...page, isHelp: false }
  const leaf = Math.max(1, rows - FRAME_ROWS - 1)
  switch (key.does) {
    case 'tab':
      return key.to < TABS.length ? { ...page, tab: key.to, scroll: 0 } : page
    case 'next':
      return { ...page, tab: (page.tab + 1) % TABS.length, scroll: 0 }
    case 'previous':
      return { ...page, tab: (page.tab + TABS.length - 1) % TABS.length, scroll: 0 }
    case 'down':
      return { ...page, scroll: page.scroll + 1 }
    case 'up':
      return { ...page, scroll: Math.max(0, page.scroll - 1) }
    case 'page-down':
      return { ...page, scroll: page.scroll + leaf }
    case 'page-up':
      return { ...page, scroll: Math.max(0, page.scroll - leaf) }
    case 'top':
      return { ...page, scroll: 0 }
    case 'help':
      return { ...page, isHelp: true }
    case 'freeze':
      return { ...page, isFrozen: !page.isFrozen }
    case 'filter':
      return { ...page, isTyping: true, filter: '', scroll: 0 }
    case 'escape':
      return { ...page, filter: '', scroll: 0 }
    default:
      return page
  }
}

const FILTER_CHARACTERS_MAX = 80

function typed(page: Page, key: Key): Page {
  const { filter } = page
  if (key.does === 'text')
    return { ...page, filter: `${filter}${key.text}`.slice(0, FILTER_CHARACTERS_MAX) }
  if (key.does === 'erase') return { ...page, filter: [...filter].slice(0, -1).join('') }
  if (key.does === 'enter') return { ...page, isTyping: false }
  return key.does === 'escape' ? { ...page, isTyping: false, filter: '' } : page
}

export interface Surroundings {
  readonly view: LinkView
  readonly nowMs: MonotonicMs
  readonly columns: number
  readonly rows: number
}

export interface Drawn {
  readonly lines: readonly Line[]
  /** The page, scrolled no further than it has lines. */
  readonly page: Page
}

/** The lines of the whole screen. */
export function drawPage(page: Page, around: Surroundings): Drawn {
  const { columns, rows } = around
  const { head, body } = page.isHelp ? helpLines() : bodyLines(page, around)
  const room = Math.max(0, rows - FRAME_ROWS - head.length)
  const scroll = Math.min(page.scroll, Math.max(0, body.length - room))
  const shown = body.slice(scroll, scroll + room)
  const filled = [...shown, ...Array.from({ length: room - shown.length }, (): Line => [])]
  const left = body.length - scroll - shown.length
  const lines = [
    headLine(around, page),
    tabLine(page, columns),
    [],
    ...head,
    ...filled,
    footLine(page, { above: scroll, below: left }),
  ]
  return { lines: lines.slice(0, rows), page: { ...page, scroll } }
}

/** What stays where it is, and what is scrolled. */
interface Body {
  readonly head: readonly Line[]
  readonly body: readonly Line[]
}

function bodyLines(page: Page, { view, columns }: Surroundings): Body {
  const { topics, serverMs } = view
  if (topics.stats === undefined) return { head: [], body: [[dim('No figures yet.')]] }
  if (page.tab === 0) return { head: [], body: overview(topics, columns) }
  if (page.tab === 4) return { head: [], body: filtered(eventLines(topics), page.filter) }
  const makers = [workflowTable, nodeTable, hostTable]
  const [head = [], ...body] = makers[page.tab - 1]?.(topics, serverMs) ?? []
  const rows = filtered(body, page.filter)
  return { head: [head], body: rows.length === 0 ? [[dim('Nothing here.')]] : rows }
}

function filtered(lines: readonly Line[], filter: string): readonly Line[] {
  const sought = filter.toLowerCase()
  const textOf = (span: Span) => (typeof span === 'string' ? span : span.text)
  return lines.filter((line) => line.map(textOf).join('').toLowerCase().includes(sought))
}

function helpLines(): Body {
  return { head: [], body: HELP.map(([keys, words]) => [bold(keys.padEnd(12)), words]) }
}

function headLine({ view, nowMs, columns }: Surroundings, page: Page): Line {
  const { stats } = view.topics
  const up = num(stats, 'uptimeMs')
  const left: Line = [
    bold(`Fetchyard ${view.server}`.trimEnd()),
    `  ${selfName(view.topics)}  `,
    ...(stats === undefined
      ? []
      : [stateSpan(stats), up === undefined ? '' : `  up ${showMs(up)}`]),
  ]
  return spread(
    left,
    [...(page.isFrozen ? [yellow('held still  ')] : []), linkSpan(view, nowMs)],
    columns,
  )
}

function linkSpan(view: LinkView, nowMs: MonotonicMs): Span {
  if (view.status === 'live') return green('live')
  const words = view.words === '' ? view.status : `${view.status}: ${view.words}`
  const age = view.hasBeenLive ? `, figures ${showMs(nowMs - view.lastFrameMs)} old` : ''
  return view.status === 'refused' ? red(words) : yellow(`${words}${age}`)
}

function tabLine(page: Page, columns: number): Line {
  const tabs = TABS.flatMap((name, at): Span[] => {
    const words = ` ${at + 1} ${name} `
    return [at === page.tab ? bold(`[${words.trim()}]`) : dim(words)]
  })
  const keys: Line = [dim('? help  q quit')]
  return lengthOf(tabs) > columns ? tabs : spread(tabs, keys, columns)
}

function footLine(page: Page, hidden: { readonly above: number; readonly below: number }): Line {
  if (page.isTyping) return [bold('/'), page.filter, dim('▏')]
  const more = [
    ...(hidden.above > 0 ? [`${hidden.above} above`] : []),
    ...(hidden.below > 0 ? [`${hidden.below} below`] : []),
  ].join(', ')
  const filter = page.filter === '' ? [] : [yellow(`only "${page.filter}"  `)]
  return [...filter, dim(more)]
}
