// Which browser a site module works with, and what to install where there is none.

import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Settings } from '../../config/settings.js'
import { FetchyardError, messageOf } from '../../src/core/errors.js'

/** Where systems install a Chromium, and browsers that are one. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** The program of the browser, or null when there is none. */
export function findBrowser(named: string | null): string | null {
  if (named === null) return PLACES.find(isProgram) ?? null
  const path = resolve(named)
  return isProgram(path) ? path : null
}

/**
 * Sees to it, before anything is worked, that what a site module needs is installed.
 *
 * @throws {FetchyardError} CONFIG_INVALID naming the package to install.
 */
export async function checkBrowser(
  settings: Pick<Settings, 'siteModule' | 'browserPath'>,
  importLibrary: () => Promise<unknown> = () => import('playwright-core'),
): Promise<void> {
  const { siteModule, browserPath } = settings
  if (siteModule === null) return
  if (!isFile(resolve(siteModule))) {
    const words = `There is no site module at ${resolve(siteModule)}.`
    throw new FetchyardError('CONFIG_INVALID', words)
  }
  if (findBrowser(browserPath) === null) {
    const where = browserPath === null ? 'none is installed' : `there is none at ${browserPath}`
    throw new FetchyardError(
      'CONFIG_INVALID',
      `The site module ${siteModule} needs a browser, and ${where}. Install the package chromium ` +
        '(Debian and Ubuntu: apt-get install chromium), or name a Chromium with --browser. ' +
        'Documents that are plain URLs need none: leave --site out.',
    )
  }
  await importLibrary().catch((error: unknown) => {
    throw new FetchyardError(
      'CONFIG_INVALID',
      `The site module ${siteModule} needs the package playwright-core, which is not installed: ` +
        `npm install playwright-core (${messageOf(error).split('\n')[0]}).`,
    )
  })
}
