// Contacts from what a page says for machines.

import type { CountryCode } from 'libphonenumber-js/max'
import { EXTRACT_BOUNDS } from './bounds.js'
import type { ContactDraft } from './contact.js'
import { type EmailRules, normalizeEmail } from './email-address.js'
import { readMailto } from './email-links.js'
import { isOrganizationName } from './organization-name.js'
import { isPersonName, looksLikePerson } from './person-name.js'
import { readNumberField } from './phone-read.js'
import { withExtension } from './phones.js'
import { readProfile } from './social.js'
import { cleanLine } from './text.js'
import { firstText, type Thing, textsOf, thingsOf } from './things.js'

/**
 * schema.org's kinds of organisations that carry another word in their names than these endings.
 */
const ORGANIZATION_TYPE = new RegExp(
  [
    '(?:Organization|Business|Corporation|Company|Store|Shop|Restaurant|Hotel|',
    'Hospital|Clinic|School|University|Agency|Association|NGO|Club|Office|Services?|',
    'Dealer|Repair|Salon|Spa|Gym|Bakery|Cafe|CoffeeShop|Bar|BarOrPub|Brewery|Winery|',
    'Attorney|Dentist|Physician|Pharmacy|Plumber|Electrician|Locksmith|Contractor|',
    'Notary|Bank|Library|Museum|Theater|Church|Resort|Motel|Hostel|Campground|',
    'PlaceOfWorship|Zoo|Park|Center|Project|Team|Brand|Airline|Consortium|',
    'Establishment|Optician|Florist)$',
  ].join(''),
  'u',
)
const EXCLUDED_TYPE = /^(?:Place|BankAccount|ParkingFacility|ContactPoint|PostalAddress)$/

interface Reading {
  readonly drafts: ContactDraft[]
  readonly rules: EmailRules
  readonly countries: readonly CountryCode[]
  left: number
}

interface Owner {
  readonly name: string | null
  readonly role: string | null
}

function kindOf(thing: Thing): 'person' | 'organization' | null {
  if (thing.types.includes('Person')) return 'person'
  if (thing.types.includes('Card')) {
    const name = firstText(thing, 'name') ?? ''
    return looksLikePerson(name) ? 'person' : 'organization'
  }
  const isOrganization = thing.types.some(
    (type) => ORGANIZATION_TYPE.test(type) && !EXCLUDED_TYPE.test(type),
  )
  return isOrganization ? 'organization' : null
}

function readNames(thing: Thing, reading: Reading): Owner | null {
  const kind = kindOf(thing)
  if (kind === null) return null
  const { foundIn } = thing
  const given = [firstText(thing, 'givenName'), firstText(thing, 'familyName')]
    .filter(Boolean)
    .join(' ')
  const name = cleanLine(firstText(thing, 'name', 'legalName') ?? given)
  const role = firstText(thing, 'jobTitle', 'roleName')
  const isName = kind === 'person' ? isPersonName(name) : isOrganizationName(name)
  if (!isName) return { name: name === '' ? null : name, role }
  reading.drafts.push({ kind, value: name, role: kind === 'person' ? role : null, foundIn })
  return { name, role }
}

function readFields(thing: Thing, owner: Owner, reading: Reading): void {
  const { foundIn } = thing
  for (const text of textsOf(thing, 'email')) {
    const plain = normalizeEmail(text.trim(), reading.rules)
    for (const value of plain === null ? readMailto(text, reading.rules) : [plain]) {
      reading.drafts.push({ kind: 'email', value, foundIn, ...owner })
    }
  }
  const isFax = /\bfax\b/i.test(firstText(thing, 'contactType') ?? '')
  const fields = [
    ...textsOf(thing, 'telephone', 'phone').map((text) => [isFax ? 'fax' : 'phone', text] as const),
    ...textsOf(thing, 'faxNumber').map((text) => ['fax', text] as const),
  ]
  for (const [kind, text] of fields) {
    const number = readNumberField(text.replace(/^\s*tel:/i, ''), reading.countries)
    if (number === null) continue
    const value = withExtension(number.value, number.extension)
    reading.drafts.push({ kind, value, shown: text, foundIn, trust: number.trust, ...owner })
  }
  for (const href of textsOf(thing, 'sameAs')) {
    const profile = readProfile(href)
    if (profile !== null) {
      reading.drafts.push({ kind: 'social', value: profile.value, shown: href, foundIn, ...owner })
    }
  }
}

function readThing(thing: Thing, owner: Owner, reading: Reading): void {
  reading.left -= 1
  if (reading.left < 0) return
  const named = readNames(thing, reading)
  const isPoint = thing.types.includes('ContactPoint')
  const own = named ?? (isPoint ? { ...owner, role: firstText(thing, 'contactType') } : owner)
  readFields(thing, own, reading)
  for (const [property, values] of thing.properties) {
    // An author or a reviewer is nobody to contact about the page's owner.
    if (
      /^(?:author|creator|review|reviews|comment|itemReviewed|contributor|actor|director)$/.test(
        property,
      )
    )
      continue
    for (const value of values) if (typeof value !== 'string') readThing(value, own, reading)
  }
}

/** The contacts of things, those of nested things included. */
export function contactsOfThings(
  things: readonly Thing[],
  options: { readonly rules: EmailRules; readonly countries: readonly CountryCode[] },
): ContactDraft[] {
  const reading: Reading = { ...options, drafts: [], left: EXTRACT_BOUNDS.thingsMax }
  for (const thing of things) readThing(thing, { name: null, role: null }, reading)
  return reading.drafts
}

/** Countries that the addresses of things name. */
export function declaredCountries(things: readonly Thing[]): string[] {
  const found: string[] = []
  const pending = [...things]
  for (let visited = 0; visited < EXTRACT_BOUNDS.thingsMax; visited += 1) {
    const thing = pending.pop()
    if (thing === undefined) break
    found.push(...textsOf(thing, 'addressCountry'))
    for (const country of thingsOf(thing, 'addressCountry')) found.push(...textsOf(country, 'name'))
    for (const values of thing.properties.values()) {
      pending.push(...values.filter((value) => typeof value !== 'string'))
    }
  }
  return found
}
