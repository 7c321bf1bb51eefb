import { type EmailRules, normalizeEmail } from './email-address.js'

/** An address as it stands in a text. */
export interface WrittenEmail {
  readonly value: string
  readonly shown: string
  readonly offset: number
  /** Written so that machines should not read it. */
  readonly isObfuscated: boolean
}

const AT_WORDS = 'at|@|ät|arroba|chez|kukac|zavináč'
const DOT_WORDS = 'dot|punkt|punto|point|ponto|tecka'
const AT_TOKEN = new RegExp(
  `\\s{0,2}[\\[({<]\\s{0,2}(?:${AT_WORDS})\\s{0,2}[\\])}>]\\s{0,2}|@|\\s(?:at|arroba)\\s`,
  'giu',
)
const DOT_TOKEN = new RegExp(
  `\\s{0,2}[\\[({<]\\s{0,2}(?:${DOT_WORDS}|\\.)\\s{0,2}[\\])}>]\\s{0,2}|\\s(?:${DOT_WORDS})\\s`,
  'giu',
)
const LOCAL_BEFORE = /[a-z0-9!#$%&*+=?^_`{|}~'.-]{1,64}$/i
const LABEL = '[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]{0,61}[\\p{L}\\p{N}])?'
const HOST_AFTER = new RegExp(`^${LABEL}(?:\\.${LABEL}){1,6}`, 'u')
const REACH = 160
const MAIL_LABEL = /e-?mails?\b[^\n@]{0,24}$/i

/**
 * The end of an address that runs into the next word (`info@example.comPhone`) or into text of
 * another script: the last label is cut where its case or its script changes.
 */
function cutLastLabel(host: string): string {
  const dot = host.lastIndexOf('.')
  const label = host.slice(dot + 1)
  const glued = /^(?:[a-z]+(?=[^a-z])|[A-Z]{2,}(?=[^A-Z]))/.exec(label)?.[0]
  return glued === undefined ? host : host.slice(0, dot + 1) + glued
}

/** Quotes, brackets and stops that stand around an address but are no part of it. */
function trimLocal(local: string): string {
  return local.replace(/^[^a-z0-9_+]+/i, '').replace(/\.+$/, '')
}

interface Around {
  readonly before: string
  readonly after: string
  readonly token: string
}

function readHost(around: Around): { host: string; usesDotToken: boolean } | null {
  const spoken = around.after.replace(DOT_TOKEN, '.')
  const plain = HOST_AFTER.exec(around.after)?.[0]
  const host = HOST_AFTER.exec(spoken)?.[0]
  if (host === undefined) return null
  // "at" as a word means an address only when the dots are words as well: "meet us at example.com".
  const usesDotToken = plain === undefined || plain.length < host.length
  return { host, usesDotToken }
}

function readAddress(around: Around, rules: EmailRules) {
  const isLiteral = around.token === '@'
  const before = isLiteral ? around.before : around.before.replace(DOT_TOKEN, '.')
  const written = LOCAL_BEFORE.exec(before)?.[0]
  const found = readHost(around)
  if (written === undefined || found === null) return null
  // The user part of a URL: https://key@host/.
  if (/(?:\/\/|[/:])$/.test(before.slice(0, -written.length)) && /\/\/\S*$/.test(before))
    return null
  if (/^\s.*\s$/.test(around.token) && !/[[({<]/.test(around.token) && !found.usesDotToken)
    return null
  const local = trimLocal(written)
  for (const host of new Set([found.host, cutLastLabel(found.host)])) {
    const value = normalizeEmail(`${local}@${host}`, rules)
    if (value !== null) {
      return { value, local, shown: `${local}@${host}`, isPlain: isLiteral && !found.usesDotToken }
    }
  }
  return null
}

/** `name @ host`: an address only where the text says that one follows. */
function isSpacedAddress(around: Around): boolean {
  if (around.token !== '@') return true
  if (!around.before.endsWith(' ') && !around.after.startsWith(' ')) return true
  return MAIL_LABEL.test(around.before.trimEnd().replace(LOCAL_BEFORE, ''))
}

/** All addresses in a text, plain or disguised, in order. */
export function findEmails(text: string, rules: EmailRules): WrittenEmail[] {
  const found: WrittenEmail[] = []
  for (const match of text.matchAll(AT_TOKEN)) {
    const end = match.index + match[0].length
    const around = {
      before: text.slice(Math.max(0, match.index - REACH), match.index),
      after: text.slice(end, end + REACH),
      token: match[0],
    }
    if (!isSpacedAddress(around)) continue
    const read = readAddress(
      { ...around, before: around.before.trimEnd(), after: around.after.trimStart() },
      rules,
    )
    if (read === null) continue
    const { value, shown, isPlain } = read
    const offset = Math.max(0, match.index - read.local.length)
    found.push({ value, shown, offset, isObfuscated: !isPlain })
  }
  return found
}
