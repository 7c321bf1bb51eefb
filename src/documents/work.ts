// One document: skipped when it is there and right, else got by the way that its worker has.

import type { Page } from 'playwright-core'
import type { DocumentOptions } from '../core/document-options.js'
import { FetchyardError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { ResultRow } from '../core/outcome.js'
import { parseUrl } from '../core/parse-url.js'
import { FetchFailure } from '../fetch/failure.js'
import type { HandlerContext } from '../workflow/define.js'
import { Climb, type ClimbTerms } from './climb.js'
import { DocumentFiles, type Filled, type SavedDocument } from './document-files.js'
import { FailurePages } from './failure-pages.js'
import { fillFrom, fillFromUrl } from './fill.js'
import type { Part } from './parts.js'
import { ContextPool } from './pool.js'
import type { Seat } from './seat.js'
import type { DocumentSource } from './site.js'

export interface DocumentRequest {
  readonly reference: string
  /** null: the site module knows where it is. */
  readonly url: string | null
  /** Context that it was assigned to before the start; null: whichever is free. */
  readonly assigned: number | null
}

const MEGABYTE = 1_048_576

/** What works documents in one worker: made once, with the options of its first document. */
export class DocumentWork {
  readonly #options: DocumentOptions
  readonly #files: DocumentFiles
  readonly #pool: ContextPool | null
  readonly #failurePages: FailurePages | null
  #tidied: Promise<void> | null = null

  constructor(options: DocumentOptions) {
    this.#options = options
    this.#files = new DocumentFiles(options)
    this.#pool = options.siteModule === null ? null : new ContextPool(options)
    this.#failurePages = options.keepsFailurePages ? new FailurePages(options.directory) : null
  }

  /** @returns the row of the document for the ledger in the database. */
  async save(request: DocumentRequest, context: HandlerContext): Promise<ResultRow> {
    const startedAtMs = performance.now()
    const { reference, url } = request
    this.#tidied ??= this.#files.tidy()
    await this.#tidied
    const found = await this.#files.findVerified(reference)
    if (found !== null) return this.#row(found, { outcome: 'skipped', startedAtMs })
    if (this.#pool === null) {
      if (url === null) throw new FetchFailure('url', NO_WAY)
      const saved = await this.#saveUrl(reference, { url, headers: {} }, context)
      return this.#row(saved, { outcome: 'saved', startedAtMs })
    }
    return this.#pool.withSeat(request.assigned, (seat) =>
      this.#saveFromSite(request, context, { seat, startedAtMs }),
    )
  }

  /** Ends the browser, if there is one. */
  async close(): Promise<void> {
    await this.#pool?.close()
  }

  async #saveFromSite(
    request: DocumentRequest,
    context: HandlerContext,
    at: { readonly seat: Seat; readonly startedAtMs: number },
  ): Promise<ResultRow> {
    const { reference } = request
    const pool = this.#pool
    if (pool === null) throw new FetchyardError('CONFIG_INVALID', NO_WAY)
    const { seat } = at
    const climb = new Climb(pool, await pool.site(), seat, this.#terms(reference, context))
    const { result, level } = await climb.run((source, abortSignal) =>
      this.#saveSource(reference, source, { seat, context, abortSignal }),
    )
    const words = {
      outcome: 'saved' as const,
      level,
      context: seat.index + 1,
      attempt: context.attempt,
    }
    return this.#row(result, { ...words, startedAtMs: at.startedAtMs })
  }

  #terms(reference: string, context: HandlerContext): ClimbTerms {
    const { stepTimeoutMs, user, password } = this.#options
    const { abortSignal, attempt, log } = context
    const failurePages = this.#failurePages
    const terms = { reference, attempt, user, password, failurePages, abortSignal, log }
    return { ...terms, timeoutMs: stepTimeoutMs }
  }

  async #saveSource(
    reference: string,
    source: DocumentSource,
    from: {
      readonly seat: Seat
      readonly context: HandlerContext
      readonly abortSignal: AbortSignal
    },
  ): Promise<SavedDocument> {
    const options = { ...this.#options, abortSignal: from.abortSignal }
    if (source instanceof Uint8Array) {
      const fill = async (part: Part): Promise<Filled> => {
        await fillFrom(part, [source], options)
        return { url: null, etag: null }
      }
      return this.#files.save(reference, { fill, resumes: false })
    }
    if ('createReadStream' in source) {
      const fill = async (part: Part): Promise<Filled> => {
        await fillFrom(part, await source.createReadStream(), options)
        return { url: bareUrl(source.url()), etag: null }
      }
      try {
        return await this.#files.save(reference, { fill, resumes: false })
      } finally {
        // The browser's own copy is of no further use.
        await source.delete().catch(() => {})
      }
    }
    const headers = await sessionHeaders(await from.seat.page(), source.url)
    return this.#saveUrl(reference, { url: source.url, headers }, from.context)
  }

  #saveUrl(
    reference: string,
    of: { readonly url: string; readonly headers: { readonly [name: string]: string } },
    context: HandlerContext,
  ): Promise<SavedDocument> {
    const terms = { ...of, stream: context.streamPage, bounds: this.#options }
    const fill = async (part: Part): Promise<Filled> => {
      const filled = await fillFromUrl(part, terms)
      return filled.url === of.url && this.#pool === null
        ? filled
        : { ...filled, url: bareUrl(filled.url ?? of.url) }
    }
    return this.#files.save(reference, { fill, resumes: true })
  }

  #row(
    saved: SavedDocument,
    how: {
      readonly outcome: 'saved' | 'skipped'
      readonly startedAtMs: number
      readonly level?: string
      readonly context?: number
      readonly attempt?: number
    },
  ): ResultRow {
    const browserBytes = this.#pool?.browserBytes ?? null
    return {
      file: saved.file,
      bytes: saved.bytes,
      sha256: saved.sha256,
      pages: saved.pages,
      url: saved.url,
      outcome: how.outcome,
      level: how.level ?? null,
      context: how.context ?? null,
      attempt: how.attempt ?? null,
      duration_ms: Math.round(performance.now() - how.startedAtMs),
      browser_mb: browserBytes === null ? null : Math.round(browserBytes / MEGABYTE),
      worker_mb: Math.round(process.memoryUsage.rss() / MEGABYTE),
      saved_at: saved.savedAt,
    }
  }
}

const NO_WAY =
  'The document has no URL, and no site module knows where it is: give it one, or name a module ' +
  'with `site`.'

/** A URL for the ledger, without what may open the document for whoever reads it there. */
function bareUrl(text: string): string | null {
  const url = parseUrl(text)
  if (url === null || !url.protocol.startsWith('http')) return null
  return `${url.origin}${url.pathname}`.slice(0, LIMITS.urlMax)
}

/** What makes a request of ours one of the page's session. */
async function sessionHeaders(
  page: Page,
  url: string,
): Promise<{ readonly [name: string]: string }> {
  const cookies = await page.context().cookies(url)
  const agent: unknown = await page.evaluate('navigator.userAgent')
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const address = page.url()
  return {
    ...(cookie === '' ? {} : { cookie }),
    ...(typeof agent === 'string' ? { 'user-agent': agent } : {}),
    // No more of it than browsers tell another site.
    ...(address.startsWith('http') ? { referer: `${new URL(address).origin}/` } : {}),
  }
}
