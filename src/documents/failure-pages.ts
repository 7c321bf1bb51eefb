// What a page looked like when its document failed: a picture and the HTML, for people to look at.

import { mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { failureStemOf } from './file-name.js'
import { FAILURES_FOLDER } from './kept-failures.js'
import { within } from './within.js'

/** Failures that are kept; the oldest go first. */
const KEPT_MAX = 200
const HTML_CHARACTERS_MAX = 1_000_000
const PATIENCE_MS = 5_000

export class FailurePages {
  readonly #folder: string

  constructor(directory: string) {
    this.#folder = join(directory, FAILURES_FOLDER)
  }

  /**
   * Keeps a page, in place of what the same attempt kept before.
   *
   * @returns the path of the picture, or of the HTML where there is no picture, below the
   * directory.
   */
  async keep(page: Page, reference: string, attempt: number): Promise<string | null> {
    const stem = `${failureStemOf(reference)}-attempt-${attempt}`
    const pathOf = (extension: string) => join(this.#folder, `${stem}.${extension}`)
    const steps: readonly (readonly [extension: string, keep: () => Promise<unknown>])[] = [
      ['html', () => this.#keepHtml(page, pathOf('html'))],
      ['png', () => page.screenshot({ path: pathOf('png'), timeout: PATIENCE_MS })],
    ]
    let kept: string | null = null
    for (const [extension, keep] of steps) {
      try {
        await keep()
        kept = join(FAILURES_FOLDER, `${stem}.${extension}`)
      } catch {
        // A page that is gone has nothing to show; what failed is told in any case. What it showed
        // at an earlier failure would be taken for what it shows now.
        await unlink(pathOf(extension)).catch(() => {})
      }
    }
    await this.#thinOut().catch(() => {})
    return kept
  }

  async #keepHtml(page: Page, path: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const html = await within(PATIENCE_MS, page.content(), 'the HTML of a page')
    await writeFile(path, html.slice(0, HTML_CHARACTERS_MAX))
  }

  async #thinOut(): Promise<void> {
    const names = await readdir(this.#folder)
    const excess = names.length - 2 * KEPT_MAX
    if (excess <= 0) return
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#folder, name)
        const found = await stat(path).catch(() => null)
        return { path, atMs: found?.mtimeMs ?? 0 }
      }),
    )
    files.sort((one, other) => one.atMs - other.atMs)
    for (const { path } of files.slice(0, excess)) await unlink(path).catch(() => {})
  }
}
