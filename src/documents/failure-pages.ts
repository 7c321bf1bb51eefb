// What a page looked like when its document failed: a picture and the HTML, for people to look at.

import { mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { EXTENSION, fileNameOf } from './file-name.js'
import { OWN_FOLDER } from './ledger.js'
import { within } from './within.js'

/** Failures that are kept; the oldest go first. */
const KEPT_MAX = 200
const HTML_CHARACTERS_MAX = 1_000_000
const PATIENCE_MS = 5_000

export class FailurePages {
  readonly #folder: string

  constructor(directory: string) {
    this.#folder = join(directory, OWN_FOLDER, 'failures')
  }

  /** Keeps a page, in place of what the same attempt kept before. @returns the picture's path. */
  async keep(page: Page, reference: string, attempt: number): Promise<string | null> {
    const stem = fileNameOf(reference).name.slice(0, -EXTENSION.length)
    const name = `${stem}-attempt-${attempt}`
    try {
      await mkdir(this.#folder, { recursive: true })
      const path = join(this.#folder, `${name}.png`)
      const html = await within(PATIENCE_MS, page.content(), 'the HTML of a page')
      await writeFile(join(this.#folder, `${name}.html`), html.slice(0, HTML_CHARACTERS_MAX))
      await page.screenshot({ path, timeout: PATIENCE_MS })
      await this.#thinOut()
      return join(OWN_FOLDER, 'failures', `${name}.png`)
    } catch {
      // A page that is gone has nothing to show; what failed is told in any case.
      return null
    }
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
