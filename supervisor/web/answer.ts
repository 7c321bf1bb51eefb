/** An answer before it is written. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
  readonly headers?: { readonly [name: string]: string }
}

export function json(status: number, value: object): Answer {
  const contentType = 'application/json; charset=utf-8'
  return { status, contentType, body: `${JSON.stringify(value)}\n` }
}

export function text(status: number, words: string, headers: Answer['headers'] = {}): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${words}\n`, headers }
}
