#!/usr/bin/env node
// Makes the pictures of docs/images from a real run: the demo, a worker of which is killed now and
// then, watched and steered in Chromium as a person would. Usage: npm run docs:images [seconds]
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const root = fileURLToPath(new URL('..', import.meta.url))
const images = join(root, 'docs/images')
const token = 'a-token-for-the-pictures'
const seconds = Number(process.argv[2] ?? 100)
const SIZE = { width: 1_280, height: 720 }
/** Pictures of tables need few rows. */
const LOW = { width: 1_280, height: 560 }

const folder = await mkdtemp(join(tmpdir(), 'fetchyard-images-'))
// Run by root, the server has an account of its own, which must be able to enter.
await chmod(folder, 0o711)
await mkdir(images, { recursive: true })
const port = await freePort()
const demo = spawn(
  process.execPath,
  [
    join(root, 'dist/supervisor/cli/main.js'),
    'demo',
    ...['--sites', '5000', '--rate', '1200', '--keep-open'],
    ...['--port', String(port), '--node-name', 'yard-1'],
  ],
  {
    cwd: folder,
    env: { ...process.env, FETCHYARD_TOKEN: token },
    stdio: ['ignore', 'ignore', 'inherit'],
  },
)
const ended = new Promise((resolve) => demo.once('exit', resolve))
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})

try {
  await untilReady()
  const page = await openPage({ colorScheme: 'light' })
  await steer(page)
  await pictures(page)
  await page.close()
  const dark = await openPage({ colorScheme: 'dark' })
  await shoot(dark, 'overview', 'overview-dark')
  await dark.close()
  const narrow = await openPage({ colorScheme: 'light', viewport: { width: 390, height: 844 } })
  await shoot(narrow, 'overview', 'overview-narrow')
} finally {
  await browser.close()
  demo.kill('SIGTERM')
  await ended
  await rm(folder, { recursive: true, force: true })
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function untilReady() {
  for (let tries = 0; tries < 240; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error('the demo did not become ready')
}

async function openPage(options) {
  const page = await browser.newPage({ viewport: SIZE, ...options })
  await page.goto(`http://127.0.0.1:${port}/#token=${token}`)
  await page.locator('#connection-words', { hasText: 'Live' }).waitFor()
  return page
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Kills a worker process of the demo, as an accident would. */
async function killWorker() {
  const headers = { Authorization: `Bearer ${token}` }
  const { d } = await (await fetch(`http://127.0.0.1:${port}/api/nodes`, { headers })).json()
  const workers = Object.values(d).flatMap((node) => Object.values(node.workers))
  const victim = workers.find((worker) => worker.kind === 'process' && worker.state === 'ready')
  if (victim !== undefined) process.kill(victim.pid, 'SIGKILL')
}

/** Lets the run go on for a while, with an order in between that the events then tell of. */
async function steer(page) {
  await sleep((seconds * 1_000) / 3)
  await killWorker()
  await page.locator('nav a', { hasText: 'Workflows' }).click()
  await page.getByLabel('Your name, for the record').fill('Anna')
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.locator('#said', { hasText: 'is paused' }).waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('#said', { hasText: 'runs again' }).waitFor()
  await page.getByLabel('At once on a node').fill('40')
  await page.getByLabel('At once on a node').press('Enter')
  await page.locator('#said', { hasText: '40' }).waitFor()
  await sleep((seconds * 1_000) / 3)
  await killWorker()
  await sleep((seconds * 1_000) / 3)
}

async function pictures(page) {
  await shoot(page, 'overview')
  await shoot(page, 'workflows')
  await page.setViewportSize(LOW)
  await shoot(page, 'nodes')
  await shoot(page, 'hosts')
  await find(page, 'state=Error')
  await page.locator('#items-orders button', { hasText: 'Retry' }).click()
  await page.locator('#ask[open]').waitFor()
  await picture(page, 'ask')
  await page.locator('#ask-yes').click()
  await page.locator('#said', { hasText: 'Asked again for' }).waitFor()
  await find(page, 'state=Complete')
  await picture(page, 'items')
  await find(page, 'state=Error')
  // One with a second round, if there is one already.
  await page.locator('#items a').first().click()
  await page.locator('#item .timeline li').nth(1).waitFor()
  await page.locator('#item').screenshot({ path: join(images, 'item.png') })
  await shoot(page, 'events')
}

/** Shows the items of a filter, once they were found. */
async function find(page, filter) {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `#items?workflow=contacts&${filter}`)
  const words = { hasText: /all that match|so far/ }
  await page
    .locator('#items-said', { hasText: 'Looking' })
    .waitFor({ timeout: 1_000 })
    .catch(() => {})
  await page.locator('#items-said', words).waitFor()
}

async function shoot(page, screen, name = screen) {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `#${screen}`)
  // What is asked for over HTTP comes within the first seconds.
  await page.waitForTimeout(6_000)
  await picture(page, name)
}

async function picture(page, name) {
  await page.mouse.move(0, 0)
  await page.evaluate('scrollTo(0, 0)')
  await page.screenshot({ path: join(images, `${name}.png`), animations: 'disabled' })
  process.stderr.write(`docs/images/${name}.png\n`)
}
