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
