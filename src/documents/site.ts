// What a site module is: the part of the work that only its author knows. Everything else, such as
// waiting, retrying, logging in again and writing files, is done around it.

import type { Download, Page } from 'playwright-core'
import { FetchyardError } from '../core/errors.js'
import type { Json } from '../core/outcome.js'

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** Where the bytes of a document are: a download, the bytes themselves, or a URL of the session. */
export type DocumentSource = Download | Uint8Array | { readonly url: string }

export interface SiteTools {
  /** Aborted when the step's time, or the item's, is over. */
  readonly abortSignal: AbortSignal
  /** Says how far the step is; the words stand in the message when it gets no further. */
  readonly progress: (words: string) => void
  readonly log: (message: string, fields?: { readonly [key: string]: Json }) => void
  /** Does what makes the site offer a file, in this tab or a new one, and takes the file. */
  readonly download: (act: () => Promise<unknown>) => Promise<DocumentSource>
  /**
   * Does what opens the document in a new tab, and takes the tab's URL instead: the site is asked
   * for the document once, and not by the tab.
   */
  readonly tab: (act: () => Promise<unknown>) => Promise<DocumentSource>
}

/** One site. A `page` belongs to a browser context that has its own login, cookies and storage. */
export interface Site {
  /**
   * Logs in. A login that is refused is a `FetchFailure` with the code `login_refused`: it pauses
   * the workflow. Every other error is tried again. A site without a login leaves it out.
   */
  readonly login?: (page: Page, credentials: Credentials, tools: SiteTools) => Promise<void>
  /** Whether the page shows that the session is over. Asked after each `open`, and its failures. */
  readonly isLoggedOut?: (page: Page) => Promise<boolean> | boolean
  /**
   * Brings the page to where the document can be had. A reference that the site does not know is a
   * `FetchFailure` with the code `http_4xx`: it is not tried again.
   */
  readonly open: (page: Page, reference: string, tools: SiteTools) => Promise<void>
  /** Gets the document. */
  readonly save: (page: Page, reference: string, tools: SiteTools) => Promise<DocumentSource>
  /** Brings the page back to where it can begin anew. @default a blank page */
  readonly recover?: (page: Page, tools: SiteTools) => Promise<void>
}

/** Declares a site. The definition is returned as it is; mistakes are told when it is loaded. */
export function defineSite(site: Site): Site {
  return site
}

const FUNCTIONS = ['login', 'isLoggedOut', 'open', 'save', 'recover'] as const

/**
 * Checks what a site module exports.
 *
 * @throws {FetchyardError} CONFIG_INVALID naming everything that is wrong.
 */
export function validateSite(value: unknown, origin: string): Site {
  if (isSite(value)) return value
  const words = problemsOf(value)
  const message = `it is no site (${origin}): ${words.join(' ')}`
  throw new FetchyardError('CONFIG_INVALID', message)
}

function isSite(value: unknown): value is Site {
  return problemsOf(value).length === 0
}

function problemsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) {
    return ['Export the result of defineSite({ open, save }) as default.']
  }
  const fields = Object.entries(value)
  const known: readonly string[] = FUNCTIONS
  const unknown = fields.filter(([name]) => !known.includes(name))
  const given = new Map(fields)
  const bad = FUNCTIONS.filter((name) => {
    const field: unknown = given.get(name)
    const isNeeded = name === 'open' || name === 'save'
    return typeof field !== 'function' && (isNeeded || field !== undefined)
  })
  return [
    ...unknown.map(([name]) => `It has the field \`${name}\`; known are ${known.join(', ')}.`),
    ...bad.map((name) => `\`${name}\` has to be a function.`),
  ]
}
