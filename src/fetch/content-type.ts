export interface ContentType {
  /** Type and subtype in lower case; '' when the header is missing or no media type. */
  readonly essence: string
  /** The charset parameter as it stands, without quotes; null when there is none. */
  readonly charset: string | null
}

const ESSENCE = /^\s*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)\s*(?=[;,]|$)/
const CHARSET = /;\s*charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;,"']+))/i

/** Reads a Content-Type header as servers really send it: quotes, blanks and repeated values. */
export function parseContentType(header: string | undefined): ContentType {
  if (header === undefined) return { essence: '', charset: null }
  const essence = ESSENCE.exec(header)?.[1]?.toLowerCase() ?? ''
  const found = CHARSET.exec(header)
  const charset = found === null ? null : (found[1] ?? found[2] ?? found[3] ?? '').trim()
  return { essence, charset: charset === '' ? null : charset }
}
