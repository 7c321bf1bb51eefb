import type { Random } from '../../../src/core/random.js'
import type { PageEncoding } from './encodings.js'
import {
  renderFooter,
  renderForm,
  renderNavigation,
  renderScript,
  renderSections,
  renderStyle,
} from './furniture.js'
import { type ContactBlock, LAYOUTS, type LayoutName } from './layouts.js'
import { escapeHtml } from './markup.js'
import type { Business } from './people.js'
import { type ExpectedContact, expectedOrganization, expectedSocial } from './truth.js'

/** Everything a page is made from; the same description always gives the same text. */
export interface PageDescription {
  readonly business: Business
  readonly kind: 'home' | 'contact'
  readonly layout: LayoutName
  readonly encoding: PageEncoding
  /** Where the navigation leads, as paths on the page's own host. */
  readonly links: { readonly home: string; readonly contact: string }
}

/** Draws the page. `random` must start afresh from the page's own seed. */
export function renderPage(page: PageDescription, random: Random): string {
  const { business } = page
  const contactBlock = LAYOUTS[page.layout](business, random)
  return `<!DOCTYPE html>
<html lang="${business.locale.tag}" class="no-js">
${renderHead(page, contactBlock, random)}
<body>
${renderNavigation(business, page.links)}
<main class="wrap">
${renderMain(page, contactBlock, random)}
</main>
${renderFooter(random, business, contactBlock.footer)}
${renderScript(random, business)}
</body>
</html>
`
}

/** What the page shows: its layout's contacts and what the furniture says about the business. */
export function expectedContacts(page: PageDescription, random: Random): ExpectedContact[] {
  const { business } = page
  const contactBlock = LAYOUTS[page.layout](business, random)
  return [expectedOrganization(business), ...contactBlock.contacts, ...expectedSocial(business)]
}

function renderHead(page: PageDescription, contactBlock: ContactBlock, random: Random): string {
  const { business, kind } = page
  const title = kind === 'home' ? business.locale.words.home : business.locale.words.contact
  return `<head>
${renderCharset(page.encoding)}
<title>${title} | ${escapeHtml(business.name)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="og:site_name" content="${escapeHtml(business.name)}">
<meta property="og:type" content="website">
${renderStyle(random)}
${contactBlock.head}
</head>`
}

/** Both spellings of the declaration are alive on the web; the older one comes from older sites. */
function renderCharset({ declaredBy, label, charset }: PageEncoding): string {
  if (declaredBy !== 'meta') return ''
  return charset === 'utf-8'
    ? `<meta charset="${label}">`
    : `<meta http-equiv="Content-Type" content="text/html; charset=${label}">`
}

function renderMain(page: PageDescription, contactBlock: ContactBlock, random: Random): string {
  const { business, kind } = page
  const sections = renderSections(random, business)
  if (kind === 'home') {
    return `<h1>${escapeHtml(business.name)}</h1>\n${sections}\n${contactBlock.main}`
  }
  return `<h1>${business.locale.words.contact}</h1>
${contactBlock.main}
${renderForm(business)}
${sections}`
}
