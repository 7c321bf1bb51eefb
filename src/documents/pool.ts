// The contexts of a worker: who sits where, which browser they are in, and whose turn it is to log
// in.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DocumentOptions } from '../core/document-options.js'
import { FetchyardError, messageOf } from '../core/errors.js'
import { FetchFailure } from '../fetch/failure.js'
import { WorkerBrowser } from './browser.js'
import { type GuardProxy, startGuardProxy } from './guard-proxy.js'
import { Seat } from './seat.js'
import { type Site, validateSite } from './site.js'

/** How often the browser's memory is read at most. */
const MEMORY_MS = 5_000

interface Waiting {
  /** The seat that it waits for; null for any. */
  readonly wanted: number | null
  readonly sit: (seat: Seat) => void
}

export class ContextPool {
  readonly #options: DocumentOptions
  readonly #seats: readonly Seat[]
  readonly #free: Set<Seat>
  /** Bounded by the slots of the worker. */
  readonly #waiting: Waiting[] = []
  #site: Promise<Site> | null = null
  #proxy: Promise<GuardProxy> | null = null
  #browser: Promise<WorkerBrowser> | null = null
  #current: WorkerBrowser | null = null
  #logins: Promise<void> = Promise.resolve()
  #asked = 0
  #refused: { readonly error: unknown; readonly asked: number } | null = null
  #memory: { readonly bytes: number | null; readonly atMs: number } | null = null

  constructor(options: DocumentOptions) {
    this.#options = options
    this.#seats = Array.from(
      { length: options.contexts },
      (_, index) => new Seat(index, options, () => this.#currentBrowser()),
    )
    this.#free = new Set(this.#seats)
  }

  /** The site module, imported once. */
  site(): Promise<Site> {
    this.#site ??= importSite(this.#options.siteModule)
    return this.#site
  }

  /** Gives a seat to one document; it waits for the one that it was assigned to. */
  async withSeat<Result>(
    assigned: number | null,
    work: (seat: Seat) => Promise<Result>,
  ): Promise<Result> {
    const seat = await this.#sit(assigned === null ? null : assigned % this.#seats.length)
    try {
      return await work(seat)
    } catch (error) {
      // What failed may still act on its tab: the next document must not get it.
      if (seat.dead === 'nothing') await seat.renewTab()
      throw error
    } finally {
      await this.#afterDocument(seat)
      this.#leave(seat)
    }
  }

  /**
   * Lets one context log in at a time. When a login is refused, those that were waiting for their
   * turn are refused as well: asking again with the same words would only lock the account.
   */
  async takeLoginTurn(login: () => Promise<void>, isRefusal: (error: unknown) => boolean) {
    this.#asked += 1
    const asked = this.#asked
    const before = this.#logins
    let done: () => void = () => {}
    this.#logins = new Promise((end) => {
      done = end
    })
    try {
      await before
      if (this.#refused !== null && asked <= this.#refused.asked) throw this.#refused.error
      await login()
    } catch (error) {
      if (isRefusal(error)) this.#refused = { error, asked: this.#asked }
      throw error
    } finally {
      done()
    }
  }

  /** Contexts that are opened from now on come to another browser than this one. */
  replaceBrowser(old: WorkerBrowser | null): void {
    if (old === null) return
    // Another context may have left it before: the browser of today is not to blame.
    if (old === this.#current) this.#forgetBrowser()
    old.retire()
    // Nobody else would close what sits idle in it, and it would stay for that.
    for (const seat of [...this.#free]) if (seat.browser === old) void this.#clear(seat)
  }

  /** Ends the browser, and those of before. Documents under way fail. */
  async close(): Promise<void> {
    const browser = await this.#browser?.catch(() => null)
    this.#forgetBrowser()
    const all = new Set([browser, ...this.#seats.map((seat) => seat.browser)])
    await Promise.all([...all].map((one) => one?.close()))
    const proxy = await this.#proxy?.catch(() => null)
    proxy?.close()
  }

  /** Memory of the browser, as it was read lately. */
  get browserBytes(): number | null {
    return this.#memory?.bytes ?? null
  }

  async refusalOf(host: string): Promise<string | null> {
    const proxy = await this.#proxy
    return proxy?.refusalOf(host) ?? null
  }

  /** Takes an idle seat out of its browser. Nobody gets the seat meanwhile. */
  async #clear(seat: Seat): Promise<void> {
    this.#free.delete(seat)
    await seat.moveOut()
    this.#leave(seat)
  }

  #sit(wanted: number | null): Promise<Seat> {
    for (const seat of this.#free) {
      if (wanted !== null && seat.index !== wanted) continue
      this.#free.delete(seat)
      return Promise.resolve(seat)
    }
    return new Promise((sit) => this.#waiting.push({ wanted, sit }))
  }

  #leave(seat: Seat): void {
    const index = this.#waiting.findIndex(({ wanted }) => wanted === null || wanted === seat.index)
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1)
    if (next === undefined) this.#free.add(seat)
    else next.sit(seat)
  }

  async #afterDocument(seat: Seat): Promise<void> {
    seat.documents += 1
    await seat.tidy()
    await this.#watchMemory(seat)
    if (seat.isDue(performance.now())) await seat.moveOut()
  }

  /** A browser above its bound is left, context by context, and ends with the last of them. */
  async #watchMemory(seat: Seat): Promise<void> {
    const nowMs = performance.now()
    const isRead = this.#memory !== null && nowMs - this.#memory.atMs < MEMORY_MS
    const browser = this.#current
    if (browser === null) return
    if (!isRead) {
      this.#memory = { bytes: this.#memory?.bytes ?? null, atMs: nowMs }
      const bytes = await browser.memoryBytes()
      this.#memory = { bytes, atMs: nowMs }
      if ((bytes ?? 0) > this.#options.browserBytesMax) this.replaceBrowser(browser)
    }
    const own = seat.browser
    if (own !== null && own !== this.#current) await seat.moveOut()
  }

  async #currentBrowser(): Promise<WorkerBrowser> {
    if (this.#current !== null && !this.#current.isAlive) this.#forgetBrowser()
    this.#browser ??= this.#launch()
    const launching = this.#browser
    try {
      const browser = await launching
      if (this.#browser === launching) this.#current = browser
      return browser
    } catch (error) {
      if (this.#browser === launching) this.#forgetBrowser()
      throw error
    }
  }

  #forgetBrowser(): void {
    this.#browser = null
    this.#current = null
  }

  async #launch(): Promise<WorkerBrowser> {
    const { browserPath, isHeadless, allowedRanges, ports } = this.#options
    if (browserPath === null) throw new FetchyardError('CONFIG_INVALID', 'There is no browser.')
    this.#proxy ??= startGuardProxy({ allowedRanges, ports }).catch((error: unknown) => {
      // The next launch tries again.
      this.#proxy = null
      throw error
    })
    const { url: proxyUrl } = await this.#proxy
    return WorkerBrowser.launch({ executablePath: browserPath, isHeadless, proxyUrl })
  }
}

async function importSite(path: string | null): Promise<Site> {
  if (path === null) throw new FetchyardError('CONFIG_INVALID', 'No site module is named.')
  const { href } = pathToFileURL(resolve(path))
  try {
    const module: { readonly default?: unknown } = await import(href)
    return validateSite(module.default, path)
  } catch (error) {
    // Every other document would end the same way.
    const words = `The site module ${path} cannot be used: ${messageOf(error)}`
    throw new FetchFailure('site_refused', words, { cause: error })
  }
}
