// One browser of a worker: started, watched, and gone when it has to be, with all its processes.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'
import { FetchyardError, messageOf } from '../core/errors.js'
import { FetchFailure } from '../fetch/failure.js'
import { commandOf, groupOf, type Keeper, keepGroup, killGroup, memoryOf } from './process-group.js'
import { within } from './within.js'

export interface BrowserOptions {
  readonly executablePath: string
  readonly isHeadless: boolean
  /** Proxy that every request goes through. */
  readonly proxyUrl: string
}

const LAUNCH_MS = 60_000
const CLOSE_MS = 5_000

/** Whatever a page asks for goes through the proxy or nowhere. */
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
]

/** Groups that are alive: ended when the process ends in an orderly way. */
const groups = new Set<number>()
let isWatchingExit = false

function watchExit(): void {
  if (isWatchingExit) return
  isWatchingExit = true
  process.on('exit', () => {
    for (const group of groups) killGroup(group)
  })
}

export class WorkerBrowser {
  readonly #browser: Browser
  readonly #group: number | null
  readonly #keeper: Keeper | null
  #isClosing = false
  /** Contexts that are open or being opened in it. */
  #users = 0
  #isRetired = false

  private constructor(browser: Browser, group: number | null, keeper: Keeper | null) {
    this.#browser = browser
    this.#group = group
    this.#keeper = keeper
    browser.once('disconnected', () => void this.close())
  }

  static async launch(options: BrowserOptions): Promise<WorkerBrowser> {
    const { chromium } = await importPlaywright()
    const downloadsPath = await mkdtemp(join(tmpdir(), 'fetchyard-browser-'))
    try {
      const browser = await chromium.launch({
        executablePath: options.executablePath,
        headless: options.isHeadless,
        args: [...ARGUMENTS],
        // Root may not use the sandbox; nobody else has to do without it.
        chromiumSandbox: process.getuid?.() !== 0,
        proxy: { server: options.proxyUrl },
        downloadsPath,
        timeout: LAUNCH_MS,
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      })
      const { group, profile } = await identified(browser)
      const directories = [downloadsPath, ...(profile === null ? [] : [profile])]
      const keeper = group === null ? null : keepGroup(group, directories)
      if (group !== null) groups.add(group)
      watchExit()
      return new WorkerBrowser(browser, group, keeper)
    } catch (error) {
      await rm(downloadsPath, { recursive: true, force: true })
      throw new FetchFailure('browser', `The browser did not start: ${messageOf(error)}`)
    }
  }

  get isAlive(): boolean {
    return this.#browser.isConnected() && !this.#isClosing
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  async openContext(options: BrowserContextOptions): Promise<BrowserContext> {
    this.#users += 1
    try {
      return await within(LAUNCH_MS, this.#browser.newContext(options), 'a new context')
    } catch (error) {
      this.leave()
      throw error
    }
  }

  /** A context of it is closed. */
  leave(): void {
    this.#users -= 1
    if (this.#isRetired && this.#users === 0) void this.close()
  }

  /** No new context comes to it; it ends with the last one it has. */
  retire(): void {
    this.#isRetired = true
    if (this.#users === 0) void this.close()
  }

  /** Memory of all its processes; null where the system does not tell. */
  memoryBytes(): Promise<number | null> {
    return this.#group === null ? Promise.resolve(null) : memoryOf(this.#group)
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    await within(CLOSE_MS, this.#browser.close(), 'the end of a browser').catch(() => {})
    if (this.#group !== null) {
      killGroup(this.#group)
      groups.delete(this.#group)
    }
    this.#keeper?.release()
  }
}

async function importPlaywright(): Promise<typeof import('playwright-core')> {
  try {
    return await import('playwright-core')
  } catch (error) {
    throw new FetchyardError('CONFIG_INVALID', `${PLAYWRIGHT_MISSING} (${messageOf(error)})`)
  }
}

export const PLAYWRIGHT_MISSING =
  'Documents behind a site module need the package playwright-core: npm install playwright-core'

/** In bounded time; a browser that cannot be told from others is ended, not left behind. */
async function identified(browser: Browser): ReturnType<typeof identify> {
  try {
    return await within(CLOSE_MS, identify(browser), 'the processes of a browser')
  } catch (error) {
    await within(CLOSE_MS, browser.close(), 'the end of a browser').catch(() => {})
    throw error
  }
}

/** The browser's process group, and the directory that it keeps its profile in. */
async function identify(
  browser: Browser,
): Promise<{ readonly group: number | null; readonly profile: string | null }> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const pid = processInfo.find(({ type }) => type === 'browser')?.id
  if (pid === undefined) return { group: null, profile: null }
  const words = await commandOf(pid)
  const profile = words.find((word) => word.startsWith('--user-data-dir='))?.split('=')[1] ?? null
  const group = await groupOf(pid)
  // A browser that shares our group cannot be ended by it.
  const own = await groupOf(process.pid)
  return { group: group === own ? null : group, profile }
}
