import { type Random, randomInteger } from '../../../src/core/random.js'
import { fill, pick } from './dealing.js'
import { asCharacterReferences, cloudflareCode, escapeHtml, jsonForScript } from './markup.js'
import type { Business } from './people.js'
import {
  type ExpectedContact,
  expectedEmail,
  expectedFax,
  expectedPeople,
  expectedPhone,
} from './truth.js'

/** The part of a page that holds its contacts. */
export interface ContactBlock {
  /** Goes into the head element. */
  readonly head: string
  readonly main: string
  readonly footer: string
  readonly contacts: readonly ExpectedContact[]
}

type Layout = (business: Business, random: Random) => ContactBlock

function block(parts: Partial<ContactBlock> & Pick<ContactBlock, 'contacts'>): ContactBlock {
  return { head: '', main: '', footer: '', ...parts }
}

function office(business: Business): ExpectedContact[] {
  return [expectedEmail(business), expectedPhone(business), ...expectedFax(business)]
}

function cityLine({ locale, city, postcode }: Business): string {
  return fill(locale.cityLine, { city: city.name, region: city.region, postcode })
}

function phoneLink({ phone }: Business): string {
  return `<a href="tel:${phone.e164}">${escapeHtml(phone.written)}</a>`
}

/** Label and value of phone, fax, e-mail and address, in the order in which people list them. */
function rows(business: Business, email: string): (readonly [label: string, html: string])[] {
  const { words } = business.locale
  return [
    [words.address, `${escapeHtml(business.street)}<br>${escapeHtml(cityLine(business))}`],
    [words.phone, phoneLink(business)],
    ...(business.fax === null ? [] : [[words.fax, escapeHtml(business.fax.written)] as const]),
    [words.email, email],
  ]
}

function mailto({ email }: Business, query = ''): string {
  return `<a href="mailto:${email}${query}">${email}</a>`
}

function tableOf(business: Business, email: string): string {
  const lines = rows(business, email).map(
    ([label, html]) => `<tr><th scope="row">${label}</th><td>${html}</td></tr>`,
  )
  return `<table class="contact-data"><tbody>\n${lines.join('\n')}\n</tbody></table>`
}

const table: Layout = (business) =>
  block({ main: tableOf(business, mailto(business)), contacts: office(business) })

const cards: Layout = (business) => {
  const list = rows(business, mailto(business, '?subject=Website&amp;body=Hello%2C%20'))
  const boxes = list.map(
    ([label, html]) =>
      `<div class="card"><i class="icon"></i><h3>${label}</h3><p>${html}</p></div>`,
  )
  return block({ main: `<div class="cards">${boxes.join('\n')}</div>`, contacts: office(business) })
}

const footerOnly: Layout = (business) => {
  const line = rows(business, mailto(business)).map(([label, html]) => `${label}: ${html}`)
  return block({ footer: `<p>${line.join(' | ')}</p>`, contacts: office(business) })
}

const hCard: Layout = (business) => {
  const { fax, locale } = business
  const faxLine = fax === null ? '' : telOf('fax', locale.words.fax, fax.written)
  const main = `<div class="vcard">
  <p class="fn org">${escapeHtml(business.name)}</p>
  <p class="adr"><span class="street-address">${escapeHtml(business.street)}</span>,
  <span class="postal-code">${business.postcode}</span>
  <span class="locality">${escapeHtml(business.city.name)}</span></p>
  ${telOf('work', locale.words.phone, business.phone.written)}
  ${faxLine}
  <p>${locale.words.email}:
  <a class="email" href="mailto:${business.email}">${business.email}</a></p>
</div>`
  return block({ main, contacts: office(business) })
}

function telOf(type: 'work' | 'fax', label: string, written: string): string {
  return `<p class="tel"><span class="type" title="${type}">${label}</span>:
  <span class="value">${escapeHtml(written)}</span></p>`
}

const microdata: Layout = (business) => {
  const { fax, locale } = business
  const faxLine =
    fax === null
      ? ''
      : `<p>${locale.words.fax}: <span itemprop="faxNumber">${escapeHtml(fax.written)}</span></p>`
  const main = `<div itemscope itemtype="https://schema.org/LocalBusiness">
  <h2 itemprop="name">${escapeHtml(business.name)}</h2>
  <div itemprop="address" itemscope itemtype="https://schema.org/PostalAddress">
    <span itemprop="streetAddress">${escapeHtml(business.street)}</span>
    <span itemprop="postalCode">${business.postcode}</span>
    <span itemprop="addressLocality">${escapeHtml(business.city.name)}</span>
    <meta itemprop="addressCountry" content="${locale.country}">
  </div>
  <p>${locale.words.phone}:
  <span itemprop="telephone">${escapeHtml(business.phone.written)}</span></p>
  ${faxLine}
  <p>${locale.words.email}: <span itemprop="email">${business.email}</span></p>
</div>`
  return block({ main, contacts: office(business) })
}

/** The address and the number can be read on the page; the rest is for machines alone. */
const jsonLd: Layout = (business) => {
  const data = {
    '@context': 'https://schema.org',
    '@graph': [
      { '@type': 'WebSite', name: business.name },
      {
        '@type': 'LocalBusiness',
        name: business.name,
        email: `mailto:${business.email}`,
        telephone: business.phone.written,
        ...(business.fax === null ? {} : { faxNumber: business.fax.written }),
        address: {
          '@type': 'PostalAddress',
          streetAddress: business.street,
          postalCode: business.postcode,
          addressLocality: business.city.name,
          addressCountry: business.locale.country,
        },
      },
    ],
  }
  return block({
    head: `<script type="application/ld+json">${jsonForScript(data)}</script>`,
    main: `<p>${escapeHtml(business.street)}, ${escapeHtml(cityLine(business))}</p>
<p>${business.locale.words.callUs}: ${escapeHtml(business.phone.written)}</p>`,
    contacts: office(business),
  })
}

const addressElement: Layout = (business) => {
  const lines = rows(business, mailto(business)).map(([label, html]) => `${label}: ${html}`)
  const name = `<strong>${escapeHtml(business.name)}</strong>`
  const main = `<address>${[name, ...lines].join('<br>')}</address>`
  return block({ main, contacts: office(business) })
}

const team: Layout = (business) => {
  const { words } = business.locale
  const members = business.people.map(({ name, role, email, phone }) => {
    const lines = [
      phone === null ? '' : `<p>${words.phone}: ${escapeHtml(phone.written)}</p>`,
      email === null ? '' : `<p><a href="mailto:${email}">${email}</a></p>`,
    ]
    return `<li class="member"><h3>${escapeHtml(name)}</h3>
<p class="role">${escapeHtml(role)}</p>${lines.join('')}</li>`
  })
  const main = `<h2>${words.team}</h2>\n<ul class="team">\n${members.join('\n')}\n</ul>
<p>${words.callUs}: ${phoneLink(business)} – ${mailto(business)}</p>`
  const contacts = [expectedEmail(business), expectedPhone(business), ...expectedPeople(business)]
  return block({ main, contacts })
}

const plainText: Layout = (business) => {
  const { words } = business.locale
  const fax = business.fax === null ? '' : ` ${words.fax}: ${escapeHtml(business.fax.written)}.`
  const where = escapeHtml(`${business.name}, ${business.street}, ${cityLine(business)}`)
  const main = `<p>${where}.
${words.phone}: ${escapeHtml(business.phone.written)}.${fax}
${words.writeUs}: ${business.email}.</p>`
  return block({ main, contacts: office(business) })
}

const AT_FORMS = [
  { at: ' [at] ', dot: ' [dot] ' },
  { at: ' (at) ', dot: ' (dot) ' },
  { at: '[at]', dot: '.' },
  { at: ' {at} ', dot: ' {dot} ' },
  { at: '(at)', dot: '.' },
] as const

const obfuscated: Layout = (business, random) => {
  const form = pick(random, AT_FORMS)
  const hidden = business.email.replaceAll('.', form.dot).replace('@', form.at)
  return block({ main: tableOf(business, hidden), contacts: office(business) })
}

const cloudflare: Layout = (business, random) => {
  const code = cloudflareCode(business.email, randomInteger(random, { min: 1, max: 255 }))
  const link =
    `<a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="${code}">` +
    '[email&#160;protected]</a>'
  return block({ main: tableOf(business, link), contacts: office(business) })
}

const entities: Layout = (business) => {
  const hidden = asCharacterReferences(business.email)
  const link = `<a href="${asCharacterReferences('mailto:')}${hidden}">${hidden}</a>`
  return block({ main: tableOf(business, link), contacts: office(business) })
}

const teaser: Layout = (business) => {
  const { words } = business.locale
  const main = `<div class="teaser"><h2>${words.callUs}</h2>
<p class="big">${phoneLink(business)}</p>
<p>${words.writeUs}: ${mailto(business)}</p></div>`
  return block({ main, contacts: [expectedEmail(business), expectedPhone(business)] })
}

const numberOnly: Layout = (business) =>
  block({
    main: `<p class="hotline">${business.locale.words.callUs}: ${phoneLink(business)}</p>`,
    contacts: [expectedPhone(business)],
  })

/** A page that says whose it is and nothing more. */
const silent: Layout = () => block({ contacts: [] })

export const CONTACT_LAYOUTS = {
  table,
  cards,
  footerOnly,
  hCard,
  microdata,
  jsonLd,
  addressElement,
  team,
  plainText,
  obfuscated,
  cloudflare,
  entities,
} as const

export const HOME_LAYOUTS = { teaser, numberOnly, silent } as const

export const LAYOUTS = { ...CONTACT_LAYOUTS, ...HOME_LAYOUTS } as const
export type LayoutName = keyof typeof LAYOUTS
