// Addresses that a script would write into the page. Nothing is run: the few forms that mail
// cloaking tools use are read as text, and what they decode to is searched for addresses.

import { EXTRACT_BOUNDS } from './bounds.js'
import type { EmailRules } from './email-address.js'
import { findEmails } from './email-text.js'
import { decodePercent } from './text.js'

const WRITES_MAIL = /mailto|document\.write|innerHTML|textContent|\.href/i
const CHAR_CODES = /fromCharCode\(([\d\s,x a-f]{5,4000})\)/gi
const BASE64 = /atob\(\s*["']([A-Za-z0-9+/=]{8,4000})["']/g
const ESCAPED = /unescape\(\s*["']([^"'\n]{4,4000})["']/g
const ROT13_HINT = /rot-?13|a-zA-Z[^\n]{0,80}13|13[^\n]{0,80}a-zA-Z|charCodeAt\(0\)\s*\+\s*13/i
const STRING = /"([^"\\\n]{0,400})"|'([^'\\\n]{0,400})'/g
const ASSIGNED =
  /([A-Za-z_$][\w$]{0,60})\s*=\s*(?:"([^"\\\n]{0,200})"|'([^'\\\n]{0,200})')\s*[;,\n]/g
const PIECE = `(?:"[^"\\\\\\n]{0,400}"|'[^'\\\\\\n]{0,400}'|[A-Za-z_$][\\w$]{0,60})`
const JOINED = new RegExp(`${PIECE}(?:\\s{0,4}\\+\\s{0,4}${PIECE}){1,24}`, 'g')

function decodeReferences(text: string): string {
  return text.replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_, hex?: string, digits?: string) => {
    const code = hex === undefined ? Number(digits) : Number.parseInt(hex, 16)
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : ''
  })
}

function rot13(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
  })
}

/** Strings put together with `+`, with the values of plain variables in their places. */
function joinStrings(script: string): string[] {
  const values = new Map<string, string>()
  for (const match of script.matchAll(ASSIGNED)) {
    values.set(match[1] ?? '', match[2] ?? match[3] ?? '')
  }
  const pieces = new RegExp(PIECE, 'g')
  return [...script.matchAll(JOINED)].map((match) =>
    [...match[0].matchAll(pieces)]
      .map(([piece]) => (/^["']/.test(piece) ? piece.slice(1, -1) : (values.get(piece) ?? ' ')))
      .join(''),
  )
}

function decodeCalls(script: string): string[] {
  const texts: string[] = []
  for (const match of script.matchAll(CHAR_CODES)) {
    const codes = (match[1] ?? '').split(',').map((code) => Number(code.trim()))
    texts.push(codes.map((code) => (code < 0x1_00_00 ? String.fromCharCode(code) : '')).join(''))
  }
  for (const match of script.matchAll(BASE64)) {
    texts.push(Buffer.from(match[1] ?? '', 'base64').toString('utf8'))
  }
  for (const match of script.matchAll(ESCAPED)) texts.push(decodePercent(match[1] ?? ''))
  return texts
}

function decodeRot13(script: string): string[] {
  if (!ROT13_HINT.test(script)) return []
  return [...script.matchAll(STRING)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((text) => text.includes('@'))
    .map(rot13)
}

/** Addresses that an inline script hides. */
export function findScriptEmails(script: string, rules: EmailRules): string[] {
  const source = script.slice(0, EXTRACT_BOUNDS.scriptCharsMax)
  const texts = [...decodeCalls(source), ...decodeRot13(source)]
  if (WRITES_MAIL.test(source) && source.includes('+')) texts.push(...joinStrings(source))
  const found = texts
    .map((text) => decodeReferences(text).replace(/<[^>]{0,400}>/g, ' $& '))
    .flatMap((text) => findEmails(text, rules))
    .map((email) => email.value)
  return [...new Set(found)]
}
