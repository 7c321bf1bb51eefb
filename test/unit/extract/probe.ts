import type { ContactKind, ExtractedContact } from '../../../src/extract/contact.js'
import { extractContacts } from '../../../src/extract/extract-contacts.js'

/**
 * A page on a host set aside for documentation, where addresses of such hosts are what they seem.
 */
const DOCUMENTATION_URL = 'https://www.example.com/contact'

export function contactsOf(html: string, url = DOCUMENTATION_URL): ExtractedContact[] {
  return extractContacts(html, { url })
}

export function valuesOf(kind: ContactKind, html: string, url = DOCUMENTATION_URL): string[] {
  return contactsOf(html, url)
    .filter((contact) => contact.kind === kind)
    .map((contact) => contact.value)
}

/** `data-cfemail` of an address: the key, then every byte XORed with it. */
export function cloudflareCode(address: string, key = 0x5a): string {
  const bytes = [...Buffer.from(address, 'utf8')].map((byte) => byte ^ key)
  return Buffer.from([key, ...bytes]).toString('hex')
}
