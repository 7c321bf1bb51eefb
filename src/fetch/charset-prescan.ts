// The prescan of HTML, and the declaration of XML: which charset a document names for itself.

/** Where the declaration has to stand, and how far we look when it does not. */
const PRESCAN_BYTES = [1_024, 4_096] as const

const XML_DECLARATION = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']/
const ATTRIBUTE = /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/y
const CHARSET_IN_CONTENT = /charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"']+))/i

/** The charset that markup declares near its start, as it stands; null when it declares none. */
export function declaredCharset(body: Buffer): string | null {
  for (const bytes of PRESCAN_BYTES) {
    const head = body.toString('latin1', 0, bytes)
    const found = XML_DECLARATION.exec(head)?.[1] ?? metaCharset(head)
    if (found !== null || body.length <= bytes) return found
  }
  return null
}

function metaCharset(head: string): string | null {
  let at = head.indexOf('<')
  while (at >= 0) {
    if (head.startsWith('<!--', at)) {
      const end = head.indexOf('-->', at + 2)
      at = end < 0 ? -1 : head.indexOf('<', end)
      continue
    }
    const name = /^<\/?([a-z]+)(?=[\s/>])/i.exec(head.slice(at, at + 32))
    if (name === null) {
      at = head.indexOf('<', at + 1)
      continue
    }
    // The attributes of every tag are read, so that a tag inside a quoted value is not taken for
    // one.
    const tag = readAttributes(head, at + name[0].length)
    const found = name[0].toLowerCase() === '<meta' ? charsetOfMeta(tag.attributes) : null
    if (found !== null) return found
    at = head.indexOf('<', tag.end)
  }
  return null
}

interface Tag {
  readonly attributes: ReadonlyMap<string, string>
  readonly end: number
}

function readAttributes(head: string, start: number): Tag {
  const attributes = new Map<string, string>()
  let end = start
  ATTRIBUTE.lastIndex = start
  for (;;) {
    const found = ATTRIBUTE.exec(head)
    if (found === null) return { attributes, end }
    end = ATTRIBUTE.lastIndex
    const name = (found[1] ?? '').toLowerCase()
    // The first of two attributes of one name counts.
    if (!attributes.has(name)) attributes.set(name, found[2] ?? found[3] ?? found[4] ?? '')
  }
}

function charsetOfMeta(attributes: ReadonlyMap<string, string>): string | null {
  const charset = attributes.get('charset')?.trim()
  if (charset) return charset
  if (attributes.get('http-equiv')?.trim().toLowerCase() !== 'content-type') return null
  const found = CHARSET_IN_CONTENT.exec(attributes.get('content') ?? '')
  return found === null ? null : (found[1] ?? found[2] ?? found[3] ?? '').trim() || null
}
