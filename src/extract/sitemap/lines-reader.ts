import { LIMITS } from '../../core/limits.js'
import type { EntryTaker, FormatReader } from './entry.js'

/** Lines looked at before a file without a URL among them is something else. */
const LINES_IN_VAIN_MAX = 50

/** A sitemap as plain text: a URL a line. */
export class LinesReader implements FormatReader {
  readonly #taker: EntryTaker
  #rest = ''
  #isText = false
  #inVain = 0

  constructor(taker: EntryTaker) {
    this.#taker = taker
  }

  write(text: string): void {
    const lines = `${this.#rest}${text}`.split(/\r\n|\r|\n/)
    // What a line has beyond the length of any URL is of no use, and would only be held.
    this.#rest = (lines.pop() ?? '').slice(0, LIMITS.urlMax + 1)
    for (const line of lines) this.#onLine(line.trim())
  }

  end(): string | null {
    this.#onLine(this.#rest.trim())
    this.#rest = ''
    if (this.#isText) return null
    this.#taker.onKind('unknown')
    return 'it is neither XML nor a list of URLs'
  }

  #onLine(line: string): void {
    if (line === '' || this.#inVain > LINES_IN_VAIN_MAX) return
    if (!/^https?:\/\/\S+$/i.test(line)) {
      if (!this.#isText) this.#inVain += 1
      return
    }
    if (!this.#isText) this.#taker.onKind('text')
    this.#isText = true
    this.#taker.onEntry({ url: line, lastmod: '' })
  }
}
