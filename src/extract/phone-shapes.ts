// What digits on a page are when they are no telephone number.

const DATE = new RegExp(
  [
    String.raw`^(?:\d{1,2}([./-])\d{1,2}\1(?:\d{2}|\d{4})|(?:19|`,
    String.raw`20)\d{2}([./-])\d{1,2}\2\d{1,2})(?:\D+\d{1,2}[:.]?\d{0,2})?$`,
  ].join(''),
)
const YEARS = /^(?:19|20)\d{2}\s*[-–—/]\s*(?:19|20)?\d{2}(?:\D|$)/
const THOUSANDS = /^\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?$|^\d{1,3}(?: \d{3})+[.,]\d{1,2}$/
const ADDRESS_V4 = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
const ZIP_PLUS_4 = /^\d{5}[-–]\d{4}$/
/** Groups of four as on a card; 13 to 19 digits. */
const CARD = /^\d{4}(?:[ -]\d{4}){2,}(?:[ -]\d{1,4})?$/
const SOCIAL_SECURITY = /^\d{3}-\d{2}-\d{4}$/
const DECIMAL = /^\d+[.,]\d+$/
const TIMES = /^\d{1,2}[.:]\d{2}\s*[-–]\s*\d{1,2}[.:]\d{2}$/
const SHAPES = [
  DATE,
  YEARS,
  THOUSANDS,
  ADDRESS_V4,
  ZIP_PLUS_4,
  CARD,
  SOCIAL_SECURITY,
  DECIMAL,
  TIMES,
]

/** Whether the digits are an IP address, whatever stands in front of them. */
export function isAddressV4(written: string): boolean {
  return ADDRESS_V4.test(written)
}

/** Whether the digits have the shape of a date, a price, an IP address, a card, a postcode. */
export function looksLikeOther(written: string): boolean {
  return SHAPES.some((shape) => shape.test(written))
}

/** What in front of digits says that they count, identify or cost something. */
const FOREIGN_BEFORE = new RegExp(
  [
    String.raw`(?:[$€£¥₹@_&?~^%]\s*|\d[.,:]|\b(?:[A-Z]{2}\d{2}(?: ?[A-Z\d]{4})*|iban|isbn|issn|`,
    String.raw`ein|vat|ust-?id\S*|siret|siren|fein|abn|acn|sku|zip|patents?|licen[cs]e|`,
    String.raw`version)\b[\s.:#№°-]*(?:no|number|nr|id)?[\s.:#№°-]*|\b(?:account|acct|order|`,
    'invoice|item|part|model|serial|reg(?:istration|istered)?|company|charity|policy|',
    String.raw`case|ticket)\s*(?:no|number|nr|id|#)[\s.:#-]*)$`,
  ].join(''),
  'iu',
)
/** The same in weaker words, which a label such as "Phone no." overrules. */
const DOUBTFUL_BEFORE = /(?:[\p{L}\d][-_.]?|[#№=/]\s*|\b(?:id|no|nr|ref\w*|numbers?)\b[\s.:°-]*)$/iu
/** What behind digits says the same. */
const FOREIGN_AFTER =
  /^(?:\s?(?:%|€|£|°|EUR\b|USD\b|kg\b|km\b|mm\b|cm\b|MB\b|GB\b|sq\b)|[@=_]|[.,:]\d)/u

/** Letters that run on from bare digits; from a formatted number they are the next label. */
const GLUED_AFTER = /^\p{L}{2}/u

/** Whether the words around digits say that they are something else than a telephone number. */
export function isForeignContext(around: {
  readonly before: string
  readonly after: string
  readonly isLabelled: boolean
  /** The digits are written in groups. */
  readonly isFormatted: boolean
}): boolean {
  if (FOREIGN_BEFORE.test(around.before) || FOREIGN_AFTER.test(around.after)) return true
  if (!around.isFormatted && GLUED_AFTER.test(around.after)) return true
  return !around.isLabelled && DOUBTFUL_BEFORE.test(around.before)
}

/** Three, three and four digits, as numbers of North America are written. */
export const NORTH_AMERICAN =
  /^(?:\+?1[\s.\-–/]{0,3})?(?:\(\s?\d{3}\s?\)|\d{3})[\s.\-–/)]{0,3}\d{3}[\s.\-–]{0,3}\d{4}$/
