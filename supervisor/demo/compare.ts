// Holds what the demo found against what its site had planted.

import type { TruthFigures } from '../cli/report.js'
import type { PageTruth } from './site/truth.js'

export interface FoundContact {
  readonly url: string
  readonly kind: string
  readonly value: string
}

export interface EndedPage {
  readonly url: string | null
  readonly status: 'success' | 'error' | 'cancelled'
}

/** Compares contacts page by page; a page's fate is its own and counted apart. */
export function compareWithTruth(
  truth: ReadonlyMap<string, PageTruth>,
  ended: readonly EndedPage[],
  contacts: readonly FoundContact[],
): TruthFigures {
  const planted = new Set<string>()
  for (const [url, page] of truth) {
    if (page.fate !== 'ok') continue
    for (const { kind, value } of page.contacts) planted.add(keyOf({ url, kind, value }))
  }
  const found = new Set(contacts.map(keyOf))
  const hits = [...planted].filter((key) => found.has(key)).length
  const pagesAstray = ended.filter(({ url, status }) => {
    const page = truth.get(url ?? '')
    return page !== undefined && (page.fate === 'ok') !== (status === 'success')
  }).length
  return { planted: planted.size, found: hits, unexpected: found.size - hits, pagesAstray }
}

function keyOf({ url, kind, value }: FoundContact): string {
  return `${url} ${kind} ${value}`
}
