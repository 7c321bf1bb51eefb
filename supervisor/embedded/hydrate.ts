// Makes the binaries of the npm package runnable.
//
// npm cannot carry symbolic links, so the package lists them in native/pg-symlinks.json and creates
// them in an install script. Package managers increasingly refuse to run install scripts; therefore
// the links are created here, at start. A package that we may not write to, or that the account of
// the server cannot reach, is copied.

import { randomBytes } from 'node:crypto'
import { cp, lstat, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join, normalize, relative } from 'node:path'
import { hasCode, messageOf } from '../../src/core/errors.js'
import { readIfThere } from './files.js'
import { unsupported } from './platform.js'
import { type Account, runProgram } from './program.js'

export interface Binaries {
  readonly initdb: string
  readonly pgCtl: string
  /** Major version of the server: 18. */
  readonly major: number
}

export interface BinariesRequest {
  /** Directory of the installed npm package. */
  readonly packageRoot: string
  /** Who will run them. */
  readonly account: Account | null
  /** Where a copy may be made; reachable by `account`. */
  readonly cacheDir: string
  readonly onProgress: (message: string) => void
}

/**
 * Finds binaries that run: in the package, or in a copy of it.
 *
 * @throws {FetchyardError} EMBEDDED_UNSUPPORTED with the words of the loader when neither runs.
 */
export async function prepareBinaries(request: BinariesRequest): Promise<Binaries> {
  const { packageRoot, account, cacheDir, onProgress } = request
  if (isSafeInShell(packageRoot)) {
    const inPlace = await tryBinaries(packageRoot, account)
    if ('initdb' in inPlace) return inPlace
  }
  const copyRoot = join(cacheDir, `postgres-${await packageVersion(packageRoot)}`)
  const earlier = await tryBinaries(copyRoot, account)
  if ('initdb' in earlier) return earlier
  if (!(await hasPrograms(packageRoot))) {
    const words = `The package in ${packageRoot} with the embedded Postgres is incomplete.`
    throw unsupported(`${words} Install it again, or set DATABASE_URL to a Postgres 14 or newer.`)
  }
  onProgress(`Copying the Postgres programs to ${copyRoot}.`)
  await copyPackage(packageRoot, copyRoot)
  const copied = await tryBinaries(copyRoot, account)
  if ('initdb' in copied) return copied
  throw unsupported(
    `The embedded Postgres in ${copyRoot} does not run here: ${copied.reason}. ` +
      'Set DATABASE_URL to a Postgres 14 or newer.',
  )
}

/** `pg_ctl` starts the server through a shell and quotes paths with plain double quotes. */
export function isSafeInShell(path: string): boolean {
  return process.platform === 'win32' || !/["$`\\\n]/.test(path)
}

async function tryBinaries(
  root: string,
  account: Account | null,
): Promise<Binaries | { readonly reason: string }> {
  try {
    await hydrateLinks(root)
  } catch (error) {
    // The links may be there all the same; whether the server runs decides.
    if (hasCode(error, 'ENOENT')) return { reason: messageOf(error) }
  }
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string) => join(root, 'native', 'bin', `${name}${suffix}`)
  const test = await runProgram({ file: program('postgres'), args: ['--version'], account })
  const major = /\(PostgreSQL\) (\d+)/.exec(test.stdout)?.[1]
  if (test.code !== 0 || major === undefined) {
    return { reason: test.stderr.trim() || `postgres --version ended with code ${test.code}` }
  }
  return { initdb: program('initdb'), pgCtl: program('pg_ctl'), major: Number(major) }
}

/** Creates the links that are missing below a package; those that are there stay as they are. */
async function hydrateLinks(root: string): Promise<void> {
  for (const link of await listedLinks(root)) await linkOnce(root, link)
  if (process.platform !== 'darwin') return
  const names = await readdir(join(root, 'native', 'lib'))
  for (const link of dylibAliases(names)) await linkOnce(join(root, 'native', 'lib'), link)
}

interface Link {
  readonly source: string
  readonly target: string
}

/**
 * The short names under which macOS looks for a library with a long one: `libz.1.3.1.dylib` is
 * wanted as `libz.1.dylib` and `libz.dylib`. The macOS packages list too few of them.
 */
export function dylibAliases(names: readonly string[]): readonly Link[] {
  const present = new Set(names)
  const links: Link[] = []
  for (const source of names) {
    const match = /^(lib[^.]+)((?:\.\d+)+)\.dylib$/.exec(source)
    if (match === null) continue
    const [, stem = '', version = ''] = match
    const numbers = version.slice(1).split('.')
    for (let kept = numbers.length - 1; kept >= 0; kept -= 1) {
      const target = `${[stem, ...numbers.slice(0, kept)].join('.')}.dylib`
      if (present.has(target)) continue
      present.add(target)
      links.push({ source, target })
    }
  }
  return links
}

async function listedLinks(root: string): Promise<readonly Link[]> {
  const text = await readIfThere(join(root, 'native', 'pg-symlinks.json'))
  return text === null ? [] : parseLinks(text)
}

/** Links that would leave the package's `native` directory are not ours to make. */
export function parseLinks(text: string): readonly Link[] {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value)) return []
  return value.filter(isLink).filter((link) => isInside(link.source) && isInside(link.target))
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false
  if (!('source' in value && 'target' in value)) return false
  return typeof value.source === 'string' && typeof value.target === 'string'
}

function isInside(path: string): boolean {
  return normalize(path).replaceAll('\\', '/').startsWith('native/')
}

async function linkOnce(root: string, link: Link): Promise<void> {
  const target = join(root, link.target)
  const present = await lstat(target).catch(() => null)
  if (present !== null) return
  try {
    await symlink(relative(dirname(link.target), link.source), target)
  } catch (error) {
    // Another process that starts at the same time was faster.
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

async function hasPrograms(root: string): Promise<boolean> {
  const found = await lstat(join(root, 'native', 'bin')).catch(() => null)
  return found?.isDirectory() ?? false
}

/** Copies a package beside its destination and renames it, so that half a copy is never run. */
async function copyPackage(from: string, to: string): Promise<void> {
  const draft = join(dirname(to), `${basename(to)}.${randomBytes(6).toString('hex')}.draft`)
  try {
    await mkdir(draft, { recursive: true, mode: 0o755 })
    await cp(join(from, 'native'), join(draft, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    })
    await rm(to, { recursive: true, force: true })
    await rename(draft, to)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function packageVersion(root: string): Promise<string> {
  const value: unknown = JSON.parse((await readIfThere(join(root, 'package.json'))) ?? '{}')
  const version = typeof value === 'object' && value && 'version' in value ? value.version : null
  return typeof version === 'string' && /^[\w.-]+$/.test(version) ? version : 'unknown'
}
