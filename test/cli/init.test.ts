// The first minutes of a user: the package as it is published, in an empty folder.

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { useDatabase } from '../support/database.js'
import { useDirectory, useSite } from './program.js'

const execute = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Installs the packed package in a folder; its dependencies are those that are installed here. */
async function installPacked(folder: string): Promise<void> {
  // Built already: what is under test is what a build makes.
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const { stdout } = await execute('npm', packing, { cwd: ROOT })
  const [{ filename }]: readonly [{ readonly filename: string }] = JSON.parse(stdout)
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, 'fetchyard'), { recursive: true })
  const unpacking = ['-xzf', filename, '-C', 'node_modules/fetchyard', '--strip-components=1']
  await execute('tar', unpacking, { cwd: folder })
  const { dependencies, optionalDependencies } = JSON.parse(
    await readFile(join(modules, 'fetchyard', 'package.json'), 'utf8'),
  )
  const installed = new Set(await readdir(join(ROOT, 'node_modules')))
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const top = name.split('/')[0] ?? name
    if (!installed.delete(top)) continue
    await symlink(join(ROOT, 'node_modules', top), join(modules, top))
  }
}

describe('cli: init', () => {
  const database = useDatabase()
  const directory = useDirectory()
  const site = useSite()

  const fetchyard = async (...words: readonly string[]) => {
    const main = join(directory.path, 'node_modules/fetchyard/dist/supervisor/cli/main.js')
    const env = { PATH: process.env.PATH, DATABASE_URL: database.url }
    try {
      const done = await execute(process.execPath, [main, ...words], { cwd: directory.path, env })
      return { ...done, exitCode: 0 }
    } catch (error) {
      return error as { stdout: string; stderr: string; code: number; exitCode?: number }
    }
  }

  before(async () => {
    await writeFile(join(directory.path, 'package.json'), '{ "private": true }')
    await installPacked(directory.path)
  })

  it('writes what runs at once, from the package as it is published', async () => {
    const made = await fetchyard('init')
    expect(made.stderr).to.equal('')
    expect(made.stdout).to.contain('Wrote fetchyard.config.mjs, workflows/titles.mjs and urls.txt')
    expect(made.stdout).to.not.contain('npm install')

    // As it is written, but for the pages, which are ours.
    await writeFile(
      join(directory.path, 'urls.txt'),
      `${site.origin}/one\n${site.origin}/missing\n`,
    )
    const local = ['--allow-ranges', 'loopback', '--port', 'off']
    const words = ['run', 'titles', '--input', 'urls.txt', '--output', 'titles.csv']
    const done = await fetchyard(...words, ...local)
    expect(done.exitCode, done.stderr).to.equal(0)
    expect(done.stdout).to.match(/pages ok +1 of 2/)
    const csv = await readFile(join(directory.path, 'titles.csv'), 'utf8')
    expect(csv).to.match(/^url,title,characters\r\n.*\/one,,\d+\r\n$/)
  })

  it('overwrites nothing, and writes nothing beside what is there', async () => {
    const again = await fetchyard('init')
    expect(again.stderr).to.match(
      /fetchyard\.config\.mjs, .*titles\.mjs, urls\.txt are there already/,
    )
    await mkdir(join(directory.path, 'half'))
    await writeFile(join(directory.path, 'half', 'fetchyard.config.json'), '{}')
    const half = await fetchyard('init', 'half')
    expect(half.stderr).to.match(/fetchyard\.config\.json is there already/)
    expect(await readdir(join(directory.path, 'half'))).to.deep.equal(['fetchyard.config.json'])
  })

  it('makes a directory that is named, and says how to get there', async () => {
    const made = await fetchyard('init', 'deep/er')
    expect(made.stdout).to.contain('  cd deep/er\n')
    const files = await readdir(join(directory.path, 'deep/er'))
    expect(files).to.have.members(['fetchyard.config.mjs', 'urls.txt', 'workflows'])
  })
})
