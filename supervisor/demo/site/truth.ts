import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { Business } from './people.js'

/** A contact that stands on a page, in the form in which an extractor should give it. */
export interface ExpectedContact {
  readonly kind: 'email' | 'phone' | 'fax' | 'organization' | 'person' | 'social'
  /** E-mail address, E.164 number, name, or address of a profile. */
  readonly value: string
  /** Whom an e-mail address or a number belongs to, where the page says so. */
  readonly name: string | null
  readonly role: string | null
}

/** What must become of a page that is fetched with at least three attempts. */
export type PageTruth =
  | {
      readonly fate: 'ok'
      readonly contacts: readonly ExpectedContact[]
      /** Most attempts that fail before the one that succeeds; a 429 is none. */
      readonly failedAttemptsMax: number
    }
  | {
      readonly fate: 'failed'
      /** Outcome codes of the last attempt, any of which is right. */
      readonly codes: readonly OutcomeCode[]
    }

function contactOf(kind: ExpectedContact['kind'], value: string): ExpectedContact {
  return { kind, value, name: null, role: null }
}

export function expectedOrganization(business: Business): ExpectedContact {
  return contactOf('organization', business.name)
}

export function expectedEmail(business: Business): ExpectedContact {
  return contactOf('email', business.email)
}

export function expectedPhone(business: Business): ExpectedContact {
  return contactOf('phone', business.phone.e164)
}

export function expectedFax(business: Business): ExpectedContact[] {
  return business.fax === null ? [] : [contactOf('fax', business.fax.e164)]
}

export function expectedSocial(business: Business): ExpectedContact[] {
  return business.social === null ? [] : [contactOf('social', business.social)]
}

export function expectedPeople(business: Business): ExpectedContact[] {
  return business.people.flatMap(({ name, role, email, phone }): ExpectedContact[] => [
    { kind: 'person', value: name, name, role },
    ...(email === null ? [] : [{ kind: 'email', value: email, name, role } as const]),
    ...(phone === null ? [] : [{ kind: 'phone', value: phone.e164, name, role } as const]),
  ])
}
