const ESCAPES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

/** Text as it stands in HTML, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)
}

/** Every character as a reference, decimal and hexadecimal by turns, as anti-spam tools do. */
export function asCharacterReferences(text: string): string {
  return [...text]
    .map((character, at) => {
      const code = character.codePointAt(0) ?? 0
      return at % 2 === 0 ? `&#${code};` : `&#x${code.toString(16)};`
    })
    .join('')
}

/** An address as Cloudflare hides it: the first byte is the key, the others are xored with it. */
export function cloudflareCode(email: string, key: number): string {
  const bytes = [key, ...Buffer.from(email).map((byte) => byte ^ key)]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** JSON that cannot end the script element it stands in. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/</g, '\\u003c')
}
