/** Where a business may sit, with a number range that is kept for fiction or not handed out. */
export interface City {
  readonly name: string
  /** State or county as it stands in an address; '' where addresses have none. */
  readonly region: string
  /** Postcode; every `#` becomes a digit. */
  readonly postcode: string
  /** National number in groups, without trunk prefix; every `#` becomes a digit. */
  readonly dial: string
}

/** The words of a page's furniture. */
export interface PageWords {
  readonly home: string
  readonly services: string
  readonly about: string
  readonly contact: string
  readonly team: string
  readonly imprint: string
  readonly phone: string
  readonly fax: string
  readonly email: string
  readonly address: string
  readonly hours: string
  readonly hoursText: string
  readonly callUs: string
  readonly writeUs: string
  readonly send: string
  readonly yourName: string
  readonly message: string
  readonly rights: string
  readonly notFound: string
}

/** All that differs from one country's sites to another's. Words within windows-1252. */
export interface Locale {
  readonly tag: string
  /** ISO 3166 code, as JSON-LD and libphonenumber write it. */
  readonly country: string
  readonly callingCode: string
  /** How people write a number; `{0}`, `{1}` stand for the groups of `City.dial`. */
  readonly phoneFormats: readonly string[]
  readonly cities: readonly City[]
  /** `{n}` stands for the house number. */
  readonly streets: readonly string[]
  /** `{postcode}`, `{city}` and `{region}` in the country's order. */
  readonly cityLine: string
  readonly trades: readonly string[]
  /** `{brand}` and `{trade}`, with the legal form where there is one. */
  readonly businessNames: readonly string[]
  readonly firstNames: readonly string[]
  readonly lastNames: readonly string[]
  readonly roles: readonly string[]
  readonly mailboxes: readonly string[]
  readonly domainEndings: readonly string[]
  /** Last part of the contact page's address. */
  readonly contactPaths: readonly string[]
  readonly words: PageWords
  /** Running text; `{city}`, `{trade}` and `{name}` are filled in. */
  readonly sentences: readonly string[]
}
