// A seat: a browser context with its own login, cookies and tab, and what became of it. One
// document at a time sits in it.

import type { BrowserContext, BrowserContextOptions, Dialog, Page } from 'playwright-core'
import type { DocumentOptions } from '../core/document-options.js'
import { messageOf } from '../core/errors.js'
import { blockRequests } from './blocking.js'
import type { WorkerBrowser } from './browser.js'
import type { Dead } from './recovery-plan.js'
import { within } from './within.js'

type StorageState = Exclude<BrowserContextOptions['storageState'], string | undefined>

const CLOSE_MS = 5_000
/** Dialogs that a page may open one after the other; then it is left alone with them. */
const DIALOGS_MAX = 20
/** Tabs that are open in one context; those beyond are closed at once. */
const TABS_MAX = 8

/** Time that the news of a death takes to arrive, at most; and what it sounds like until then. */
const NEWS_MS = 300
const DEATH_WORDS = /has been closed|crashed|disconnected|died in|ERR_ABORTED/i

interface Open {
  readonly browser: WorkerBrowser
  readonly context: BrowserContext
  readonly openedAtMs: number
  page: Page
}

export class Seat {
  readonly index: number
  readonly #options: DocumentOptions
  readonly #browserOf: () => Promise<WorkerBrowser>
  #open: Open | null = null
  #dead: Dead = 'nothing'
  /** Cookies and storage of the login, with which the next context begins. */
  #login: StorageState | null = null
  #dialogs = 0
  #onDeath: ((dead: Dead) => void) | null = null
  /** What the page did last, and when. */
  progress: { words: string; atMs: number } = { words: 'nothing yet', atMs: 0 }
  isLoggedIn = false
  /** Documents since its context was opened. */
  documents = 0

  constructor(index: number, options: DocumentOptions, browserOf: () => Promise<WorkerBrowser>) {
    this.index = index
    this.#options = options
    this.#browserOf = browserOf
  }

  get browser(): WorkerBrowser | null {
    return this.#open?.browser ?? null
  }

  /** What is gone of it. */
  get dead(): Dead {
    if (this.#open === null) return 'nothing'
    if (!this.#open.browser.isAlive) return 'browser'
    return this.#dead === 'nothing' && this.#open.page.isClosed() ? 'tab' : this.#dead
  }

  /**
   * What is gone of it, after an error. Calls fail a moment before the news of a death arrives, and
   * the death of a tab comes before that of its browser.
   */
  async deadAfter(error: unknown): Promise<Dead> {
    if (this.dead === 'nothing' && !DEATH_WORDS.test(messageOf(error))) return 'nothing'
    await new Promise((resolve) => setTimeout(resolve, NEWS_MS))
    return this.dead
  }

  /** Calls back, once, when a part of it dies. @returns how to stop listening. */
  watchDeath(onDeath: (dead: Dead) => void): () => void {
    this.#onDeath = onDeath
    if (this.dead !== 'nothing') onDeath(this.dead)
    return () => {
      this.#onDeath = null
    }
  }

  note(words: string): void {
    this.progress = { words, atMs: performance.now() }
  }

  /** Its tab; opened with all that it needs when it has none. */
  async page(): Promise<Page> {
    if (this.#open !== null && this.dead !== 'nothing' && this.dead !== 'tab') await this.close()
    this.#open ??= await this.#openContext()
    const { page, context } = this.#open
    if (this.#dead === 'tab' || page.isClosed()) {
      this.#open.page = await within(CLOSE_MS, context.newPage(), 'a new tab')
      this.#dead = 'nothing'
      this.#watch(this.#open.page)
    }
    return this.#open.page
  }

  /** Another tab in place of the one it has. */
  async renewTab(): Promise<void> {
    const open = this.#open
    if (open === null) return
    const { page } = open
    this.#dead = 'tab'
    // Whatever still acts on the old tab fails from here on.
    await within(CLOSE_MS, page.close(), 'the end of a tab').catch(() => {})
  }

  /** Keeps the login for the contexts to come. */
  async keepLogin(): Promise<void> {
    if (this.#open === null) return
    const state = this.#open.context.storageState()
    this.#login = await within(CLOSE_MS, state, 'the storage of a context')
    this.isLoggedIn = true
  }

  forgetLogin(): void {
    this.#login = null
    this.isLoggedIn = false
  }

  /** Closes the tabs that a document left behind. */
  async tidy(): Promise<void> {
    const open = this.#open
    const { dead } = this
    if (open === null || dead === 'context' || dead === 'browser') return
    const stray = open.context.pages().filter((page) => dead === 'tab' || page !== open.page)
    this.#dialogs = 0
    for (const page of stray) {
      await within(CLOSE_MS, page.close(), 'the end of a tab').catch(() => {})
    }
  }

  isDue(nowMs: number): boolean {
    const { contextPages, contextAgeMs } = this.#options
    if (this.#open === null) return false
    return this.documents >= contextPages || nowMs - this.#open.openedAtMs >= contextAgeMs
  }

  /** Closes its context, so that the next one begins where this one ended. */
  async moveOut(): Promise<void> {
    // What is dead tells nothing more; the login of before still stands.
    const isAlive = this.dead === 'nothing' || this.dead === 'tab'
    if (this.isLoggedIn && isAlive) await this.keepLogin().catch(() => this.forgetLogin())
    await this.close()
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    this.#dead = 'nothing'
    this.documents = 0
    if (open === null) return
    await within(CLOSE_MS, open.context.close(), 'the end of a context').catch(() => {})
    open.browser.leave()
  }

  async #openContext(): Promise<Open> {
    const browser = await this.#browserOf()
    const state = this.#login === null ? {} : { storageState: this.#login }
    const context = await browser.openContext({ acceptDownloads: true, ...state })
    try {
      await blockRequests(context, this.#options)
      const page = await within(CLOSE_MS, context.newPage(), 'a new tab')
      this.#dead = 'nothing'
      context.on('page', (tab) => this.#onTab(context, tab))
      context.on('close', () => this.#died(context, 'context'))
      context.on('dialog', (dialog) => this.#onDialog(dialog))
      this.#watch(page)
      return { browser, context, page, openedAtMs: performance.now() }
    } catch (error) {
      await within(CLOSE_MS, context.close(), 'the end of a context').catch(() => {})
      browser.leave()
      throw error
    }
  }

  #watch(page: Page): void {
    const context = page.context()
    page.setDefaultTimeout(this.#options.stepTimeoutMs)
    page.on('crash', () => this.#died(context, 'tab'))
    page.on('request', (request) => this.note(`asked for ${request.url().slice(0, 200)}`))
    page.on('response', (response) =>
      this.note(`got ${response.status()} from ${response.url().slice(0, 200)}`),
    )
    this.note('a new tab')
  }

  #onTab(context: BrowserContext, tab: Page): void {
    if (context.pages().length > TABS_MAX) tab.close().catch(() => {})
  }

  #onDialog(dialog: Dialog): void {
    this.#dialogs += 1
    this.note(`closed a dialog: ${dialog.message().slice(0, 100)}`)
    if (this.#dialogs > DIALOGS_MAX) return
    // Leaving a page is what we want when it asks; nothing else is agreed to.
    const answer = dialog.type() === 'beforeunload' ? dialog.accept() : dialog.dismiss()
    answer.catch(() => {})
  }

  #died(context: BrowserContext, dead: Dead): void {
    if (this.#open !== null && this.#open.context !== context) return
    if (this.#open === null) return
    this.#dead = this.#dead === 'context' ? 'context' : dead
    this.#onDeath?.(this.dead)
  }
}
