import { type Random, randomInteger } from '../../../src/core/random.js'
import { fill, fillDigits, pick, shuffled } from './dealing.js'
import type { City, Locale } from './locales/locale.js'

export interface PhoneNumber {
  /** `+` and digits, as it is expected from an extractor. */
  readonly e164: string
  /** As people of the country write it. */
  readonly written: string
}

export interface Person {
  readonly name: string
  readonly role: string
  readonly email: string | null
  readonly phone: PhoneNumber | null
}

/** A business that does not exist. */
export interface Business {
  readonly name: string
  readonly slug: string
  /** Domain of its e-mail addresses. */
  readonly domain: string
  readonly locale: Locale
  readonly trade: string
  readonly street: string
  readonly city: City
  readonly postcode: string
  readonly email: string
  readonly phone: PhoneNumber
  readonly fax: PhoneNumber | null
  readonly people: readonly Person[]
  /** Address of a profile on a social network. */
  readonly social: string | null
}

/** Invented words, so that no business has the name or the domain of a real one. */
const BRANDS = [
  ...['Calderwick', 'Brindlemark', 'Talvorn', 'Northaven', 'Quillbrook', 'Fernholt', 'Ostravel'],
  ...['Marlowind', 'Tessenbach', 'Havrelle', 'Ondelis', 'Corvanta', 'Lumarel', 'Pellgrave'],
  ...['Sandrivo', 'Velkmoor', 'Ashbelin', 'Torvesse', 'Grivaldi', 'Kestermann', 'Wendelfurt'],
  ...['Rosmarek', 'Altavenda', 'Briserac', 'Montrevel', 'Castrillar', 'Zarandel', 'Olmedier'],
  ...['Haldenmoor', 'Pinchester', 'Drumcaster', 'Evenlorne', 'Fallowmere', 'Gildersby', 'Hexwater'],
  ...['Isengrund', 'Jorvenhof', 'Krumwinkel', 'Lavaudel', 'Mirasolde', 'Novarienne', 'Oakmantle'],
] as const

const SOCIAL_NETWORKS = [
  'https://www.facebook.com/',
  'https://www.instagram.com/',
  'https://www.linkedin.com/company/',
] as const

/** A name as it stands in an address: lower-case ASCII letters, digits and dashes. */
function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/ä/g, 'ae')
    .replace(/ö/g, 'oe')
    .replace(/ü/g, 'ue')
    .replace(/ß/g, 'ss')
    .replace(/œ/g, 'oe')
    .normalize('NFD')
    .replace(/[^a-z0-9 -]/g, '')
    .replace(/[ -]+/g, '-')
}

function makePhone(random: Random, place: { locale: Locale; city: City }): PhoneNumber {
  const groups = fillDigits(random, place.city.dial).split(' ')
  const format = pick(random, place.locale.phoneFormats)
  return {
    e164: `+${place.locale.callingCode}${groups.join('')}`,
    written: fill(format, Object.fromEntries(groups.map((group, at) => [String(at), group]))),
  }
}

/** A second number of the same place that differs from those given. */
function makeOtherPhone(
  random: Random,
  place: { locale: Locale; city: City },
  taken: readonly PhoneNumber[],
): PhoneNumber | null {
  const phone = makePhone(random, place)
  return taken.some((other) => other.e164 === phone.e164) ? null : phone
}

function makePeople(
  random: Random,
  place: { locale: Locale; city: City },
  office: { readonly domain: string; readonly phones: readonly PhoneNumber[] },
): Person[] {
  const { locale } = place
  const taken = [...office.phones]
  const firstNames = shuffled(random, locale.firstNames)
  const lastNames = shuffled(random, locale.lastNames)
  const roles = shuffled(random, locale.roles)
  const people: Person[] = []
  for (let count = randomInteger(random, { min: 2, max: 5 }); count > 0; count -= 1) {
    const name = `${firstNames[count]} ${lastNames[count]}`
    const phone = random.next() < 0.4 ? makeOtherPhone(random, place, taken) : null
    if (phone !== null) taken.push(phone)
    const mailbox = slugOf(name).replace(/-/g, '.')
    const email = random.next() < 0.7 ? `${mailbox}@${office.domain}` : null
    people.push({ name, role: roles[count] ?? pick(random, locale.roles), email, phone })
  }
  return people
}

/**
 * Makes up a business of a country.
 *
 * @param taken slugs of the businesses made so far; this one's is added.
 */
export function makeBusiness(random: Random, locale: Locale, taken: Set<string>): Business {
  const city = pick(random, locale.cities)
  const trade = pick(random, locale.trades)
  const brand = pick(random, BRANDS)
  const name = fill(pick(random, locale.businessNames), { brand, trade })
  const slug = uniqueSlug(slugOf(`${brand} ${trade} ${city.name}`), taken)
  const domain = `${slug}.${pick(random, locale.domainEndings)}`
  const phone = makePhone(random, { locale, city })
  const fax = random.next() < 0.4 ? makeOtherPhone(random, { locale, city }, [phone]) : null
  const phones = fax === null ? [phone] : [phone, fax]
  return {
    name,
    slug,
    domain,
    locale,
    trade,
    street: fill(pick(random, locale.streets), {
      n: String(randomInteger(random, { min: 2, max: 98 })),
    }),
    city,
    postcode: fillDigits(random, city.postcode),
    email: `${pick(random, locale.mailboxes)}@${domain}`,
    phone,
    fax,
    people: makePeople(random, { locale, city }, { domain, phones }),
    social: random.next() < 0.5 ? `${pick(random, SOCIAL_NETWORKS)}${handleOf(slug)}` : null,
  }
}

/** Name of a profile: the strictest network takes letters and digits, 30 of them. */
function handleOf(slug: string): string {
  return slug.replaceAll('-', '').slice(0, 30)
}

function uniqueSlug(wished: string, taken: Set<string>): string {
  let slug = wished
  for (let number = 2; taken.has(slug); number += 1) slug = `${wished}-${number}`
  taken.add(slug)
  return slug
}
