import { mkdir, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { FetchyardError, hasCode, messageOf } from '../../../src/core/errors.js'
import { type Command, type Invocation, textGiven } from '../command.js'
import { INIT_FILES, type InitFile, OTHER_CONFIGURATIONS } from '../init-files.js'
import { print } from '../streams.js'

export const initCommand: Command = {
  syntax: 'init [directory]',
  summary: 'Write a configuration file and a workflow of your own that runs',
  examples: [['fetchyard init', 'then: fetchyard run titles --input urls.txt']],
  groups: [],
  flags: {},
  run: runInit,
}

async function runInit(invocation: Invocation): Promise<number> {
  const { cwd, streams } = invocation
  const directory = resolve(cwd, textGiven(invocation, 'directory') ?? '.')
  await refuseWhatIsThere(directory)
  for (const file of INIT_FILES) await write(directory, file)
  const [first, second, third] = INIT_FILES.map(({ path }) => path)
  await print(streams, `Wrote ${first}, ${second} and ${third} in ${directory}.`)
  const away = relative(cwd, directory)
  await print(streams, '')
  await print(streams, 'Next:')
  if (away !== '') await print(streams, `  cd ${away}`)
  if (!isInstalled(directory)) await print(streams, '  npm install fetchyard')
  await print(streams, '  npx fetchyard run titles --input urls.txt --output titles.csv')
  await print(streams, '  npx fetchyard up                  # or: a node that works what comes')
  await print(streams, '  npx fetchyard enqueue titles urls.txt')
  return 0
}

/** Whether the workflow's import of us would be found. */
function isInstalled(directory: string): boolean {
  try {
    createRequire(join(directory, 'fetchyard.config.mjs')).resolve('fetchyard')
    return true
  } catch {
    return false
  }
}

/** Nothing is written when anything of it is there: half of a beginning is none. */
async function refuseWhatIsThere(directory: string): Promise<void> {
  const paths = [...INIT_FILES.map(({ path }) => path), ...OTHER_CONFIGURATIONS]
  const there: string[] = []
  for (const path of paths) {
    if ((await stat(join(directory, path)).catch(() => null)) !== null) there.push(path)
  }
  if (there.length === 0) return
  throw new FetchyardError(
    'USAGE',
    `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already, in ${directory}, and ` +
      'nothing is overwritten. Name another directory: fetchyard init DIRECTORY',
  )
}

async function write(directory: string, { path, text }: InitFile): Promise<void> {
  const target = join(directory, path)
  try {
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, text, { flag: 'wx' })
  } catch (error) {
    const why = hasCode(error, 'EEXIST') ? 'it came into being meanwhile' : messageOf(error)
    throw new FetchyardError('USAGE', `${target} cannot be written: ${why}.`)
  }
}
