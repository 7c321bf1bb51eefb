// What the words next to a number say it is: a telephone, a fax, or nothing.

/**
 * 'hint' is a word that often stands before a number, or any word with a colon: enough to believe a
 * number that a plan knows, too little for digits that none knows.
 */
export type NumberLabel = 'phone' | 'fax' | 'both' | 'hint' | null

const FAX_WORDS =
  'tele-?fax|e-?fax|facsimile|fax(?:es|nummer|nr|number)?|telecopie(?:ur)?|télécopie(?:ur)?|faks|' +
  'φαξ|факс|传真|傳真|ファックス|ファクス|팩스|fx'
const PHONE_WORDS =
  'tele-?phones?|tele-?fon[aeo]?|téléphone|teléfono|telefonnummer|telefonszám|puhelin|puh|' +
  'phones?|tel[eé]?f?|fon|ph|mobile?|mobil|handy|móvil|celular|cel|cell(?:ular)?|gsm|call|' +
  'dial|hot-?line|help-?line|free-?phone|switchboard|sms|whatsapp|voice|pager|landline|' +
  'тел(?:ефон)?|τηλ(?:έφωνο)?|电话|電話|전화'
const HINT = new RegExp(
  [
    String.raw`(?<![\p{L}\d])(?:toll[ -]?free|office|direct|main|reception|line|text|`,
    'after[ -]hours|emergency|contact(?: us)?|sales|reservations?|enquiries|',
    String.raw`inquiries|information|service|support|numbers?)(?!\p{L})|`,
    String.raw`\p{L}[\p{L} ]{0,40}(?:\([^)]{0,40}\)\s?)?:\s*$`,
  ].join(''),
  'iu',
)
const FAX = new RegExp(`(?<![\\p{L}\\d])(?:${FAX_WORDS})(?![\\p{L}])`, 'giu')
const PHONE = new RegExp(`(?<![\\p{L}\\d])(?:${PHONE_WORDS})(?![\\p{L}])`, 'giu')
/** One letter with a colon or a stop: `F: 555…`, `t. 020…`; in brackets: `(f)`. */
const FAX_LETTER = /(?:^|[\s|•·,;/([])f\s?[:.)\]]*\s*[-–]?\s*$/i
const PHONE_LETTER = /(?:^|[\s|•·,;/([])[ptmcdow]\s?[:.)\]]*\s*[-–]?\s*$/i
const BOTH = /^[\s.:]*(?:[/&+,|]|and|und|et|y|or|e)[\s.:]*$/i

function lastMatch(pattern: RegExp, text: string): { start: number; end: number } | null {
  let last: { start: number; end: number } | null = null
  for (const match of text.matchAll(pattern)) {
    last = { start: match.index, end: match.index + match[0].length }
  }
  return last
}

/** What the words in front of a number say; of several the nearest counts. */
export function labelBefore(before: string): NumberLabel {
  const fax = lastMatch(FAX, before)
  const phone = lastMatch(PHONE, before)
  if (fax !== null && phone !== null) {
    const [first, second] = fax.start < phone.start ? [fax, phone] : [phone, fax]
    if (BOTH.test(before.slice(first.end, second.start))) return 'both'
    // "Fax number", "fax line": a word that goes with the fax.
    const isOfFax =
      second === phone && /^[\s.:]*(?:numbers?|line|no)\b/i.test(before.slice(fax.end))
    return second === fax || isOfFax ? 'fax' : 'phone'
  }
  if (FAX_LETTER.test(before)) return 'fax'
  if (fax !== null) return 'fax'
  if (phone !== null || PHONE_LETTER.test(before)) return 'phone'
  return HINT.test(before) ? 'hint' : null
}

const AFTER = new RegExp(
  `^[\\s,]*[-–—:(\\[]?\\s*(?:(${FAX_WORDS}|f)|(${PHONE_WORDS}|[tpm]))(?![\\p{L}])(.{0,12})`,
  'iu',
)

/**
 * What the words behind a number say: `555-0100 (fax)`. A label with a number behind it belongs
 * to that number.
 */
export function labelAfter(after: string): NumberLabel {
  const aside = /^\s?\(([^)]{0,48})\)/.exec(after)?.[1]
  if (aside !== undefined && aside.search(FAX) !== -1) return 'fax'
  const match = AFTER.exec(after)
  if (match === null) return null
  if (/^[\s.:)\]#-]*[+(]?\d/.test(match[3] ?? '') || /^\s*:/.test(match[3] ?? '')) return null
  return match[1] === undefined ? 'phone' : 'fax'
}

/**
 * Whether a line is a label and nothing else, so that it speaks for the line below or the next
 * cell.
 */
export function isLabelLine(line: string): boolean {
  if (line.length > 32 || /\d{3}/.test(line)) return false
  const label = labelBefore(line)
  if (label === null || label === 'hint') return false
  const rest = line.replace(FAX, '').replace(PHONE, '')
  return rest !== line && rest.replace(/[^\p{L}]/gu, '').length <= 12
}
