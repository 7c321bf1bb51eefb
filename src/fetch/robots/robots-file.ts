// What a robots.txt says to one robot, by RFC 9309. Pure: text in, rules out.

import { patternOf, type RulePattern } from './rule-pattern.js'

/** Bytes that are read of a robots.txt; RFC 9309 asks for at least these. */
export const ROBOTS_BYTES_MAX = 500 * 1_024
/** Rules kept of one file: what lies beyond is no site's honest wish. */
const RULES_MAX = 10_000

export interface RobotsFile {
  /** @param path path and query of a URL, as it is requested. */
  readonly allows: (path: string) => boolean
  /** Time that the site asks for between two requests; null when it asks for none. */
  readonly crawlDelayMs: number | null
}

interface Group {
  readonly rules: RulePattern[]
  crawlDelayMs: number | null
}

/** A file that asks for nothing: all is allowed. */
export const ALLOW_ALL: RobotsFile = { allows: () => true, crawlDelayMs: null }

/**
 * Reads the groups for `product`, or those for `*` when it is not named. Groups with the same name
 * are one. A line that is no rule and no user agent, such as a sitemap, does not end a group.
 *
 * @param product name of the robot, such as `fetchyard`; compared without regard to case.
 */
export function parseRobots(text: string, product: string): RobotsFile {
  const own: Group = { rules: [], crawlDelayMs: null }
  const all: Group = { rules: [], crawlDelayMs: null }
  let isNamed = false
  let targets = new Set<Group>()
  let isNaming = false
  for (const { field, value } of linesOf(text)) {
    if (field === 'user-agent') {
      if (!isNaming) targets = new Set()
      isNaming = true
      const name = productOf(value)
      if (name === '*') targets.add(all)
      if (name !== product.toLowerCase()) continue
      targets.add(own)
      isNamed = true
    } else if (field === 'allow' || field === 'disallow') {
      isNaming = false
      for (const group of targets) addRule(group, field, value)
    } else if (field === 'crawl-delay') {
      for (const group of targets) group.crawlDelayMs = delayOf(value) ?? group.crawlDelayMs
    }
  }
  return fileOf(isNamed ? own : all)
}

/**
 * The name under which a robots.txt may address us: the token before the version of the last
 * product in a user agent that is no browser's. `Mozilla/5.0 (compatible; Fetchyard/0.1)` is
 * `fetchyard`.
 */
export function productTokenOf(userAgent: string): string {
  const compatible = /\(compatible;\s*([A-Za-z_-]+)/i.exec(userAgent)?.[1]
  const first = /^\s*([A-Za-z_-]+)/.exec(userAgent)?.[1]
  return (compatible ?? first ?? '*').toLowerCase()
}

function* linesOf(text: string): Generator<{ readonly field: string; readonly value: string }> {
  // Some servers write the mark of their editor, and old ones a carriage return alone.
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)) {
    const words = line.replace(/#.*$/, '').trim()
    const colon = words.indexOf(':')
    if (colon === -1) continue
    const field = words.slice(0, colon).trim().toLowerCase()
    yield { field, value: words.slice(colon + 1).trim() }
  }
}

/** `FooBot/2.1` and `foobot` name the same robot. */
function productOf(value: string): string {
  return value.startsWith('*') ? '*' : (/^[A-Za-z_-]+/.exec(value)?.[0] ?? '').toLowerCase()
}

function addRule(group: Group, field: 'allow' | 'disallow', value: string): void {
  // An empty rule forbids nothing, whichever it is.
  if (value === '' || group.rules.length >= RULES_MAX) return
  group.rules.push(patternOf(value, field === 'allow'))
}

function delayOf(value: string): number | null {
  const seconds = /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN
  return Number.isFinite(seconds) ? seconds * 1_000 : null
}

function fileOf({ rules, crawlDelayMs }: Group): RobotsFile {
  // The most octets win, and of two with as many the one that allows: the first match decides.
  const sorted = [...rules].sort(
    (a, b) => b.octets - a.octets || Number(b.isAllow) - Number(a.isAllow),
  )
  return {
    crawlDelayMs,
    allows: (path) => {
      if (path === '/robots.txt') return true
      return sorted.find((rule) => rule.matches(path))?.isAllow ?? true
    },
  }
}
