// A document through a browser: logged in, opened, saved, and recovered from what fails on the way.

import { messageOf } from '../core/errors.js'
import { OUTCOMES } from '../core/outcome.js'
import { FetchFailure } from '../fetch/failure.js'
import type { FailurePages } from './failure-pages.js'
import type { ContextPool } from './pool.js'
import { FIRST_TRY, type Level, type NextTry, planRecovery } from './recovery-plan.js'
import type { Seat } from './seat.js'
import type { DocumentSource, Site } from './site.js'
import { codeOf, runStep, type StepTerms, StoodStill } from './step.js'

export interface ClimbTerms extends Omit<StepTerms, 'name'> {
  readonly reference: string
  readonly attempt: number
  readonly user: string | null
  readonly password: string | null
  /** null: pages of failures are not kept. */
  readonly failurePages: FailurePages | null
}

export interface Climbed<Result> {
  readonly result: Result
  /** What had to be done before the try that succeeded. */
  readonly level: Level
}

/** Keeps what a source holds, while the step lasts. */
type Keep<Result> = (source: DocumentSource, abortSignal: AbortSignal) => Promise<Result>

/** Times that one try logs in again because its session ended. */
const LOGINS_MAX = 2

/** Codes by which a site says that another try is of no use. */
function isFinal(error: unknown): boolean {
  const code = codeOf(error)
  if (code === null) return false
  if (code === 'content_type' || code === 'parse') return false
  const { rule, pauses } = OUTCOMES[code]
  return pauses === true || rule === 'discard' || rule === 'snooze' || rule === 'cancel'
}

export class Climb {
  readonly #pool: ContextPool
  readonly #site: Site
  readonly #seat: Seat
  readonly #terms: ClimbTerms

  constructor(pool: ContextPool, site: Site, seat: Seat, terms: ClimbTerms) {
    this.#pool = pool
    this.#site = site
    this.#seat = seat
    this.#terms = terms
  }

  /**
   * Gets the document and has it kept, level by level.
   *
   * @throws {FetchFailure} in the words of the last try when every level is used up, or at once for
   * what no further try can change.
   */
  async run<Result>(keep: Keep<Result>): Promise<Climbed<Result>> {
    let next: NextTry = FIRST_TRY
    for (;;) {
      try {
        await this.#prepare(next.action)
        const result = await this.#tryOnce(keep)
        return { result, level: next.action }
      } catch (error) {
        const { abortSignal, log, reference } = this.#terms
        abortSignal.throwIfAborted()
        const dead = await this.#seat.deadAfter(error)
        const kept = dead === 'nothing' ? await this.#keepPage() : null
        const failure = await this.#wordsOf(error, kept)
        if (isFinal(failure)) throw failure
        const stoodStill = error instanceof StoodStill
        const isOfDocument = failure.code !== 'browser'
        const planned = planRecovery(next, { dead, stoodStill, isOfDocument })
        if (planned === null) throw failure
        log(`${failure.message}; next: ${planned.action}`, { reference })
        next = planned
      }
    }
  }

  async #prepare(action: Level): Promise<void> {
    const seat = this.#seat
    if (action === 'recover') await this.#recover()
    if (action === 'tab') await seat.renewTab()
    if (action === 'context') await seat.close()
    if (action !== 'browser') return
    this.#pool.replaceBrowser(seat.browser)
    await seat.close()
  }

  #recover(): Promise<void> {
    const { recover } = this.#site
    return runStep(this.#seat, this.#step('recover'), async (page, tools) => {
      if (recover === undefined) await page.goto('about:blank')
      else await recover(page, tools)
    })
  }

  async #tryOnce<Result>(keep: Keep<Result>): Promise<Result> {
    for (let login = 0; ; login += 1) {
      await this.#logIn()
      try {
        await this.#open()
        if (!(await this.#isLoggedOut())) return await this.#save(keep)
      } catch (error) {
        // A session that ended shows in whatever fails then.
        if ((await this.#seat.deadAfter(error)) !== 'nothing') throw error
        if (isFinal(error) || !(await this.#isLoggedOut())) throw error
        // It may still act on its tab, and the login gets another one.
        if (error instanceof StoodStill) await this.#seat.renewTab()
      }
      if (login >= LOGINS_MAX) throw new FetchFailure('browser', 'the session ends again and again')
      this.#seat.forgetLogin()
    }
  }

  async #open(): Promise<void> {
    const { reference } = this.#terms
    await runStep(this.#seat, this.#step('open'), (page, tools) =>
      this.#site.open(page, reference, tools),
    )
  }

  async #save<Result>(keep: Keep<Result>): Promise<Result> {
    const { reference } = this.#terms
    // The file is written within the step: a download dies with its context.
    return runStep(this.#seat, this.#step('save'), async (page, tools) => {
      const source = await this.#site.save(page, reference, tools)
      tools.abortSignal.throwIfAborted()
      tools.progress('saving the file')
      return keep(source, tools.abortSignal)
    })
  }

  async #isLoggedOut(): Promise<boolean> {
    const { isLoggedOut, login } = this.#site
    if (isLoggedOut === undefined || login === undefined) return false
    return runStep(this.#seat, this.#step('look'), (page) => isLoggedOut(page)).catch(() => false)
  }

  async #logIn(): Promise<void> {
    const { login } = this.#site
    const seat = this.#seat
    if (login === undefined || seat.isLoggedIn) return
    const { user, password } = this.#terms
    if (user === null || password === null) {
      const words = 'The site needs a login: set FETCHYARD_SITE_USER and FETCHYARD_SITE_PASSWORD.'
      throw new FetchFailure('login_refused', words)
    }
    const isRefusal = (error: unknown) => codeOf(error) === 'login_refused'
    await this.#pool.takeLoginTurn(async () => {
      await runStep(seat, this.#step('login'), (page, tools) =>
        login(page, { user, password }, tools),
      )
      await seat.keepLogin()
    }, isRefusal)
  }

  #step(name: StepTerms['name']): StepTerms {
    const { timeoutMs, abortSignal, log } = this.#terms
    return { name, timeoutMs, abortSignal, log }
  }

  async #keepPage(): Promise<string | null> {
    const { failurePages, reference, attempt } = this.#terms
    if (failurePages === null) return null
    const page = await this.#seat.page().catch(() => null)
    return page === null ? null : failurePages.keep(page, reference, attempt)
  }

  /** A failure with a code, and words without the library's own decoration. */
  async #wordsOf(error: unknown, kept: string | null): Promise<FetchFailure> {
    const refusal = await this.#refusalIn(messageOf(error))
    const code = refusal === null ? (codeOf(error) ?? 'browser') : 'ssrf'
    const [line = ''] = plain(refusal ?? messageOf(error)).split('\n')
    const words = kept === null ? line : `${line} (page: ${kept})`
    const { httpStatus, retryAfterMs } = error instanceof FetchFailure ? error : {}
    return new FetchFailure(code, words, { httpStatus, retryAfterMs, cause: error })
  }

  /** The guard's words, when it was the guard that kept the browser from a host. */
  async #refusalIn(words: string): Promise<string | null> {
    const host = /\bhttps?:\/\/(\[[^\]]+\]|[^/:\s]+)/.exec(words)?.[1]
    return host === undefined ? null : this.#pool.refusalOf(host)
  }
}

/** Text without the escapes by which terminals colour it. */
function plain(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '')
}
