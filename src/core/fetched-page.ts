/** A page as the fetch loop hands it to a handler. */
export interface FetchedPage {
  /** URL after redirects. */
  readonly url: string
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** Body, decoded to text by its charset. */
  readonly text: string
  /** Charset the text was decoded by, as a WHATWG label. */
  readonly charset: string
  /** Content type without parameters, in lower case; '' when the server named none. */
  readonly contentType: string
}

/** What the head of a response says about its body. */
export interface ContentHead {
  /** Content type without parameters, in lower case; '' when the server named none. */
  readonly contentType: string
  /** Charset that the server names; null when it names none. */
  readonly charset: string | null
  readonly headers: { readonly [name: string]: string }
}

/** What a request for a streamed page says beyond its URL. */
export interface StreamRequest {
  /** Headers in place of the usual ones; sent to the URL's own origin and to no other. */
  readonly headers?: { readonly [name: string]: string }
}

/** Takes a piece of a body, and says whether it wants the next one. */
export type TakeBytes = (piece: Buffer, head: ContentHead) => boolean | Promise<boolean>

/** A page whose body was handed over. */
export interface StreamedPage
  extends Pick<FetchedPage, 'url' | 'status' | 'headers' | 'contentType'> {
  /** Whether the body was read to its end, as opposed to enough of it. */
  readonly isWhole: boolean
}
