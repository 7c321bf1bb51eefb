import { parseUrl } from '../core/parse-url.js'
import { Collector } from './collect.js'
import type { ExtractedContact } from './contact.js'
import { isReservedHost } from './email-address.js'
import { findPageEmails } from './emails.js'
import { readEmbeddedData } from './embedded-data.js'
import { readCards } from './h-card.js'
import { readJsonLd } from './json-ld.js'
import { findOrganizations } from './organizations.js'
import { ownersOf } from './owners.js'
import { findPeople } from './people.js'
import { rankCountries } from './phone-country.js'
import { findPageNumbers } from './phones.js'
import { readPage } from './read-page.js'
import { findProfiles } from './social.js'
import { contactsOfThings, declaredCountries } from './thing-contacts.js'

export interface PageSource {
  /** Where the page came from, after redirects. */
  readonly url: string
  /** Language tag of the response's Content-Language header, when there was one. */
  readonly language?: string
}

/**
 * The contacts of a page: e-mail addresses, telephone and fax numbers, profiles on social networks,
 * organisations and people, each once, with the place where it was seen best and how sure it is.
 *
 * A pure function of its arguments: the same page gives the same contacts in the same order,
 * that of their first sighting. Markup may be broken in any way; nothing throws because of it.
 * National telephone numbers are read by the countries that the page points to, and by the US
 * plan last.
 */
export function extractContacts(html: string, source: PageSource): ExtractedContact[] {
  const page = readPage(html)
  const host = parseUrl(source.url)?.hostname ?? ''
  const things = [...readJsonLd(page.jsonLd), ...readEmbeddedData(page), ...readCards(page)]
  const declared = declaredCountries(things)
  const countries = rankCountries(page, { host, language: source.language, declared })
  const rules = { acceptReserved: isReservedHost(host) }

  const collector = new Collector()
  for (const draft of contactsOfThings(things, { rules, countries })) collector.add(draft)
  const people = findPeople(page)
  const owners = ownersOf(page, people)
  for (const email of findPageEmails(page, rules)) {
    collector.add({ kind: 'email', ...email, ...owners.ofEmail(email) })
  }
  for (const number of findPageNumbers(page, countries)) {
    collector.add({ ...number, ...owners.ofNumber(number) })
  }
  for (const profile of findProfiles(page)) {
    collector.add({ kind: 'social', value: profile.value, shown: profile.shown, foundIn: 'link' })
  }
  for (const { name, ...person } of people)
    collector.add({ kind: 'person', value: name, ...person })
  for (const { name, ...organization } of findOrganizations(page, host)) {
    collector.add({ kind: 'organization', value: name, ...organization })
  }
  return collector.contacts()
}
