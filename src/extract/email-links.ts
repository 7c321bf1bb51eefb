import { type EmailRules, normalizeEmail } from './email-address.js'
import { findEmails } from './email-text.js'
import { decodePercent } from './text.js'

/**
 * The recipients of a `mailto:` link (RFC 6068): the path and the fields to, cc and bcc, each a
 * list. Lists are split before they are decoded, so that an encoded comma stays part of an
 * address.
 */
export function readMailto(href: string, rules: EmailRules): string[] {
  const target = href.replace(/^\s*mailto:(?:\/\/)?/i, '')
  const question = target.indexOf('?')
  const path = question === -1 ? target : target.slice(0, question)
  const lists = [path]
  if (question !== -1) {
    for (const field of target.slice(question + 1).split(/&(?:amp;)?/)) {
      const equals = field.indexOf('=')
      if (/^(?:to|cc|bcc)$/i.test(field.slice(0, equals))) lists.push(field.slice(equals + 1))
    }
  }
  const found = lists.flatMap((list) => list.split(/[,;]/)).flatMap((one) => readOne(one, rules))
  return [...new Set(found)]
}

function readOne(recipient: string, rules: EmailRules): string[] {
  // Twice: some pages encode what their editor had encoded before.
  const decoded = decodePercent(decodePercent(recipient)).trim()
  const value = normalizeEmail(decoded, rules)
  if (value !== null) return [value]
  return findEmails(decoded, rules).map((email) => email.value)
}

/**
 * The address in a `data-cfemail` value: pairs of hex digits, of which the first is the key that
 * the others are XORed with. Some pages carry the address in clear.
 */
export function readCfEmail(code: string, rules: EmailRules): string | null {
  if (code.includes('@')) return normalizeEmail(decodePercent(code).trim(), rules)
  if (!/^(?:[0-9a-f]{2}){4,400}$/i.test(code)) return null
  const bytes = Buffer.from(code, 'hex')
  const key = bytes[0] ?? 0
  const text = Buffer.from(bytes.subarray(1).map((byte) => byte ^ key)).toString('utf8')
  return normalizeEmail(text.replace(/\?.*$/, '').trim(), rules)
}

/** The code behind `/cdn-cgi/l/email-protection#HEX`; null when the link is another. */
export function cfCodeOf(href: string): string | null {
  return /\/cdn-cgi\/l\/email-protection#([^&?\s]{4,800})/i.exec(href)?.[1] ?? null
}

const reverse = (text: string): string => [...text].reverse().join('')

/** An address kept in two or three data attributes, forwards or backwards. */
export function readSplitEmail(
  attributes: { readonly [name: string]: string },
  rules: EmailRules,
): string | null {
  const user = attributes['data-user'] ?? attributes['data-name'] ?? attributes['data-local']
  const domain = attributes['data-domain'] ?? attributes['data-host']
  if (user === undefined || domain === undefined) return null
  const tld = attributes['data-tld']
  const host = tld === undefined ? domain : `${domain}.${tld}`
  return (
    normalizeEmail(`${user}@${host}`, rules) ??
    normalizeEmail(`${reverse(user)}@${reverse(host)}`, rules)
  )
}
