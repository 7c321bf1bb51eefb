/** What a contact is. */
export const CONTACT_KINDS = ['email', 'phone', 'fax', 'social', 'organization', 'person'] as const
export type ContactKind = (typeof CONTACT_KINDS)[number]

/**
 * Where on the page a contact stood, with the trust each place earns before anything is known about
 * the value itself. What authors write for machines is worth more than what is guessed from prose.
 */
export const PLACE_CONFIDENCE = {
  cfemail: 0.97,
  'json-ld': 0.96,
  mailto: 0.95,
  tel: 0.95,
  microdata: 0.94,
  'h-card': 0.93,
  rdfa: 0.92,
  link: 0.9,
  address: 0.88,
  text: 0.85,
  attribute: 0.8,
  meta: 0.78,
  obfuscated: 0.75,
  script: 0.7,
  copyright: 0.7,
  list: 0.65,
  title: 0.5,
} as const
export type FoundIn = keyof typeof PLACE_CONFIDENCE
export const FOUND_IN = Object.keys(PLACE_CONFIDENCE)

export interface ExtractedContact {
  readonly kind: ContactKind
  /**
   * The contact in its normal form: an address in lower case, a number as E.164 (with `;ext=`
   * and the extension when there is one) or as written when no numbering plan knows it, a
   * profile's URL, a name.
   */
  readonly value: string
  /** The value as the page shows it. */
  readonly shown: string
  /** Person or organisation the contact belongs to, when the page says so. */
  readonly name: string | null
  /** What that person does, or what the contact is for. */
  readonly role: string | null
  readonly foundIn: FoundIn
  /** From 0 to 1. */
  readonly confidence: number
}

/** A contact on its way: the collector fills in what is missing. */
export interface ContactDraft {
  readonly kind: ContactKind
  readonly value: string
  readonly foundIn: FoundIn
  readonly shown?: string
  readonly name?: string | null
  readonly role?: string | null
  /** Factor on the trust of the place, from 0 to 1. @default 1 */
  readonly trust?: number
}
