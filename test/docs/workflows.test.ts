// Follows docs/workflows.md from its first block to its last, as a reader would. Only the pages are
// ours instead of those of example.com.

import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import { type Program, runProgram, startProgram, useDirectory, useSite } from '../cli/program.js'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { type Block, blocksOf, commandsOf, wordsOf } from './blocks.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const DOCUMENT = 'docs/workflows.md'

describe(DOCUMENT, () => {
  const database = useDatabase()
  useAudit(database)
  const directory = useDirectory()
  const site = useSite()
  let node: Program | null = null

  const stopNode = async () => {
    node?.child.kill('SIGTERM')
    expect((await node?.ended)?.exitCode ?? 0, node?.stderr()).to.equal(0)
    node = null
  }
  after(() => void node?.child.kill('SIGKILL'))

  const options = () => ({
    cwd: directory.path,
    environment: {
      ...{ DATABASE_URL: database.url, FETCHYARD_ALLOW_RANGES: 'loopback', FETCHYARD_PORT: 'off' },
    },
  })

  const local = (text: string) => text.replaceAll('https://example.com', site.origin)

  async function follow(command: string): Promise<void> {
    const [npx, program, ...words] = wordsOf(command)
    if (npx !== 'npx' || program !== 'fetchyard') return
    // Its binding changes, and a node is in the way, as the document says.
    if (words[0] === 'bind' && node !== null) await stopNode()
    if (words[0] === 'up') {
      await stopNode()
      node = startProgram(words, options())
      await node.says('supervisor.started')
      return
    }
    const ended = await runProgram(words, options())
    expect(ended.exitCode, `${command}: ${ended.stderr}`).to.equal(0)
    if (words[0] === 'init') {
      const urls = ['a', 'b', 'c'].map((path) => `${site.origin}/${path}\n`)
      await writeFile(join(directory.path, 'urls.txt'), urls.join(''))
    }
  }

  async function perform(block: Block): Promise<void> {
    const path = /^\/\/ (\S+\.mjs)\n/.exec(block.text)?.[1]
    if (block.language === 'js' && path !== undefined) {
      const target = join(directory.path, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, local(block.text))
    }
    if (block.language === 'sql') await database.sql.unsafe(local(block.text))
    for (const command of block.language === 'console' ? commandsOf(block) : []) {
      await follow(command)
    }
  }

  it('holds what it says, followed from its beginning to its end', async function () {
    // A dozen processes, one after the other.
    this.timeout(240_000)
    await mkdir(join(directory.path, 'node_modules'))
    await symlink(ROOT, join(directory.path, 'node_modules', 'fetchyard'))
    await writeFile(join(directory.path, 'package.json'), '{ "private": true }')
    const blocks = blocksOf(DOCUMENT, await readFile(join(ROOT, DOCUMENT), 'utf8'))
    expect(blocks.length).to.be.at.least(10)

    for (const block of blocks) await perform(block)

    // The list, and what was pushed by SQL.
    let seen: unknown = null
    // Sizes: of the file, pushed; of the table the same two pages.
    const all = { titles: 4, sizes: 3, words: 'Complete' }
    await eventually({ words: 'all results', seen: () => seen }, async () => {
      const [row] = await database.sql<{ titles: number; sizes: number; words: string }[]>`
        select (select count(*) from titles)::int as titles,
               (select count(*) from sizes)::int as sizes,
               (select string_agg(distinct fetch_word, ',') from app.pages) as words`
      seen = row
      return isDeepStrictEqual({ ...row }, all)
    })
    await stopNode()

    // The last module binds the same table by a word of its own.
    const checks = startProgram(['up', './workflows/checks.mjs'], options())
    node = checks
    await checks.says('supervisor.started')
    await database.sql`update app.pages set check_word = 'Queued'`
    await eventually({ words: 'both checks' }, async () => {
      const rows = await database.sql`select from app.checks where http_status = 200`
      return rows.length === 2
    })
    await stopNode()
  })
})
