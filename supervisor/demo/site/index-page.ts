import type { BehaviourKind } from './behaviours.js'
import { prefixOf, type Site } from './directory.js'
import { escapeHtml } from './markup.js'
import { originOf, type Place } from './routes.js'

const MEANINGS: Readonly<Record<BehaviourKind, string>> = {
  plain: 'answers after a while',
  'rate-limit': 'answers 429 at first',
  'server-error': 'answers 500, 502 or 503 at first, some for ever',
  hang: 'does not answer at first',
  truncate: 'breaks off in the body at first',
  reset: 'resets the connection at first',
  drip: 'sends its body in small pieces',
  redirect: 'has moved, up to three times',
  'redirect-loop': 'sends its visitors in a circle',
  'not-found': 'is gone',
  pdf: 'is a PDF although it should be a page',
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;
padding:0 1rem;color:#1d2433;background:#fff}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #dde}
@media(prefers-color-scheme:dark){body{background:#14181f;color:#e6e9ee}a{color:#8ecae6}
th,td{border-color:#2c3440}}`

/** The directory for a person who looks: every site with its language, pages and manners. */
export function renderIndex(sites: readonly Site[], place: Place): string {
  const rows = sites.map((site) => {
    const { business, home, contact } = site
    const base = `${originOf(site, place)}${prefixOf(site)}`
    return `<tr><td><a href="${base}${home.path}">${escapeHtml(business.name)}</a></td>
<td>${escapeHtml(business.city.name)}</td><td>${business.locale.tag}</td>
<td title="${MEANINGS[home.behaviour.kind]}">${home.behaviour.kind}</td>
<td title="${MEANINGS[contact.behaviour.kind]}">
<a href="${base}${contact.path}">${contact.behaviour.kind}</a></td></tr>`
  })
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Demo directory</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style></head>
<body><h1>Demo directory</h1>
<p>${sites.length} businesses that do not exist, with pages that are slow, fail, move, break off and
speak several languages and encodings on purpose. Hover over a word to read what it means.</p>
<table><thead><tr><th>Business</th><th>City</th><th>Language</th>
<th>Home page</th><th>Contact page</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></body></html>
`
}
