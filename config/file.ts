// The configuration file: found upward from the working directory, the nearest one counts.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lilconfig } from 'lilconfig'
import { FetchyardError, messageOf } from '../src/core/errors.js'

export interface ConfigFile {
  readonly path: string
  /** What the file holds, as somebody else wrote it. */
  readonly content: unknown
}

const PLACES = ['fetchyard.config.js', 'fetchyard.config.mjs', 'fetchyard.config.json'] as const

async function importDefault(path: string): Promise<unknown> {
  const module: unknown = await import(pathToFileURL(path).href)
  return typeof module === 'object' && module !== null && 'default' in module
    ? module.default
    : undefined
}

/**
 * Finds and reads the file; null when there is none.
 *
 * @param request.path the file that was named, instead of looking for one.
 * @throws {FetchyardError} CONFIG_INVALID when it cannot be read.
 */
export async function findConfigFile(request: {
  readonly cwd: string
  readonly path?: string | undefined
}): Promise<ConfigFile | null> {
  const searcher = lilconfig('fetchyard', {
    searchPlaces: [...PLACES],
    loaders: { '.js': importDefault, '.mjs': importDefault },
    cache: false,
    stopDir: '/',
  })
  const { cwd, path } = request
  try {
    const found =
      path === undefined ? await searcher.search(cwd) : await searcher.load(resolve(cwd, path))
    if (found === null) return null
    return { path: found.filepath, content: found.config }
  } catch (error) {
    const where = path === undefined ? `The configuration file above ${cwd}` : path
    throw new FetchyardError(
      'CONFIG_INVALID',
      `${where} cannot be read: ${messageOf(error)}. Mend it, or start from another directory.`,
      { cause: error },
    )
  }
}
