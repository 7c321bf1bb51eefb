// Peers of `bench:fetch`: where they are found or installed, and how one of them is run. Crawlee is
// installed by the lockfile in bench/peers-fetch, outside of the product's own node_modules; Scrapy
// is the one that the machine has.

import { execFile, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PEERS_DIRECTORY } from './light-extract.js'
import { say } from './report.js'

/** Not committed; removed with the other leavings of builds. */
const INSTALLED = fileURLToPath(new URL('../../.build/peers-fetch/', PEERS_DIRECTORY))
const SOURCES = ['package.json', 'package-lock.json', 'patterns.json', 'crawlee-crawl.mjs']
/** Debian's own first: another one on the search path has no packages of Debian's. */
const PYTHONS = ['/usr/bin/python3', 'python3']
/** Crawlee takes a quarter of the memory for a reason to slow down; here it has enough. */
const CRAWLEE_MEMORY_MB = '4096'
const PRINTS_MAX = 100_000

export type CrawleeKind = 'http' | 'cheerio'
export type PeerStorage = 'memory' | 'disk'

export interface Peer {
  readonly name: string
  /** What it is, with its version. */
  readonly version: string
  readonly program: string
  /** A run over a file of URLs that keeps what it keeps in a directory. */
  readonly args: (run: PeerRun) => readonly string[]
  readonly environment: (run: PeerRun) => NodeJS.ProcessEnv
  /** Results in the directory of a run, as URLs, one a record. */
  readonly readResults: (directory: string) => readonly string[]
  /** Whether what it did survives the end of its process. */
  readonly isKept: boolean
}

export interface PeerRun {
  readonly directory: string
  readonly urlFile: string
  readonly warmUpFile: string | null
  readonly concurrency: number
}

export interface PeerEnd {
  readonly exitCode: number | null
  readonly signal: string | null
  /** The object on the last line of its standard output; null when there is none. */
  readonly answer: unknown
  /** The end of what it wrote to standard error. */
  readonly complaint: string
}

export interface PeerProcess {
  readonly pid: number
  readonly ended: Promise<PeerEnd>
}

function inputArgs(run: PeerRun): string[] {
  const { urlFile, warmUpFile, concurrency } = run
  const warmUp = warmUpFile === null ? [] : ['--warm-up', warmUpFile]
  return ['--urls', urlFile, ...warmUp, '--concurrency', String(concurrency)]
}

/** Installs Crawlee when it is not there yet. @returns its version. */
export async function installCrawlee(): Promise<string> {
  mkdirSync(INSTALLED, { recursive: true })
  const isInstalled = existsSync(join(INSTALLED, 'node_modules', '@crawlee', 'http'))
  for (const name of SOURCES) cpSync(new URL(name, PEERS_DIRECTORY), join(INSTALLED, name))
  if (!isInstalled) {
    say('installing Crawlee by the lockfile in bench/peers-fetch')
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
    await promisify(execFile)('npm', args, { cwd: INSTALLED })
  }
  const path = join(INSTALLED, 'node_modules', '@crawlee', 'http', 'package.json')
  return /"version": "([^"]+)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? 'unknown'
}

export function crawleePeer(kind: CrawleeKind, storage: PeerStorage, version: string): Peer {
  return {
    name: `Crawlee ${kind === 'http' ? 'HTTP' : 'Cheerio'}, ${storage}`,
    version: `Crawlee ${version}`,
    program: process.execPath,
    isKept: storage === 'disk',
    args: (run) => [join(INSTALLED, 'crawlee-crawl.mjs'), '--kind', kind, ...inputArgs(run)],
    environment: ({ directory }) => ({
      CRAWLEE_STORAGE_DIR: directory,
      CRAWLEE_PERSIST_STORAGE: String(storage === 'disk'),
      // What its documentation names for going on where an earlier run ended.
      CRAWLEE_PURGE_ON_START: '0',
      CRAWLEE_MEMORY_MBYTES: CRAWLEE_MEMORY_MB,
    }),
    readResults: readDataset,
  }
}

function readDataset(directory: string): readonly string[] {
  const names = namesIn(join(directory, 'datasets', 'default'))
  return names.flatMap((name) => urlsIn(readFileSync(name, 'utf8')))
}

function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => join(folder, name))
}

/** A record that was cut off in the middle is no result. */
function urlsIn(record: string): readonly string[] {
  try {
    const read: unknown = JSON.parse(record)
    if (typeof read !== 'object' || read === null) return []
    const url: unknown = Object.getOwnPropertyDescriptor(read, 'url')?.value
    return typeof url === 'string' ? [url] : []
  } catch {
    return []
  }
}

/** @returns the program and version of the Scrapy that is here, or null. */
export async function findScrapy(): Promise<{ program: string; version: string } | null> {
  for (const program of PYTHONS) {
    const args = ['-c', 'import scrapy; print(scrapy.__version__)']
    const found = await promisify(execFile)(program, args).catch(() => null)
    if (found !== null) return { program, version: found.stdout.trim() }
  }
  return null
}

export function scrapyPeer(
  scrapy: { readonly program: string; readonly version: string },
  storage: PeerStorage,
): Peer {
  return {
    name: `Scrapy, ${storage === 'disk' ? 'JOBDIR' : 'memory'}`,
    version: `Scrapy ${scrapy.version}`,
    program: scrapy.program,
    isKept: storage === 'disk',
    args: (run) => [
      fileURLToPath(new URL('scrapy_crawl.py', PEERS_DIRECTORY)),
      ...['--storage', storage, '--directory', run.directory, ...inputArgs(run)],
    ],
    environment: () => ({ PYTHONDONTWRITEBYTECODE: '1' }),
    readResults: (directory) => {
      const file = join(directory, 'results.jsonl')
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(urlsIn) : []
    },
  }
}

export function startPeer(peer: Peer, run: PeerRun): PeerProcess {
  const child = spawn(peer.program, peer.args(run), {
    cwd: run.directory,
    env: { ...process.env, ...peer.environment(run) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const prints = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      prints[name] = (prints[name] + text).slice(-PRINTS_MAX)
    })
  }
  const ended = new Promise<PeerEnd>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      const answer = answerOf(prints.stdout)
      resolve({ exitCode, signal, answer, complaint: prints.stderr.trim().slice(-500) })
    })
  })
  return { pid: child.pid ?? 0, ended }
}

function answerOf(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  } catch {
    return null
  }
}
