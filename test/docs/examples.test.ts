// What the documents show can be typed: modules compile, command lines are understood.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { assemble } from '../../config/load.js'
import { INIT_FILES } from '../../supervisor/cli/init-files.js'
import { loadCommands } from '../../supervisor/cli/load-commands.js'
import { parseCommandLine } from '../../supervisor/cli/parse.js'
import { type Block, blocksOf, commandsOf, wordsOf } from './blocks.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

async function readBlocks(): Promise<readonly Block[]> {
  const names = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'))
  const documents = ['README.md', ...names.map((name) => `docs/${name}`)]
  const texts = await Promise.all(documents.map((name) => readFile(join(ROOT, name), 'utf8')))
  return documents.flatMap((name, index) => blocksOf(name, texts[index] ?? ''))
}

/** Modules of others, which they speak of: configuration of process managers and the like. */
const isModule = ({ language, text }: Block) =>
  ['js', 'ts'].includes(language) && /^(import|export) /m.test(text)

describe('documents', () => {
  let blocks: readonly Block[] = []
  let directory = ''

  before(async () => {
    blocks = await readBlocks()
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-docs-'))
    await writeFile(join(directory, 'package.json'), '{ "private": true, "type": "module" }')
    await mkdir(join(directory, 'node_modules', '@types'), { recursive: true })
    await symlink(ROOT, join(directory, 'node_modules', 'fetchyard'))
    await symlink(
      join(ROOT, 'node_modules/@types/node'),
      join(directory, 'node_modules/@types/node'),
    )
  })
  after(() => rm(directory, { recursive: true, force: true }))

  it('compile, every module in them, and those that init writes', async () => {
    const modules = blocks.filter(isModule)
    expect(modules.length).to.be.at.least(5)
    const files = modules.map(({ document, line, language, text }) => ({
      name: `${document.replaceAll(/\W/g, '-')}-${line}.${language}`,
      text,
    }))
    const made = INIT_FILES.filter(({ path }) => path.endsWith('.mjs')).map(({ path, text }) => ({
      name: `init-${path.replaceAll('/', '-').replace('.mjs', '.js')}`,
      text,
    }))
    for (const { name, text } of [...files, ...made]) await writeFile(join(directory, name), text)
    const options = {
      compilerOptions: {
        ...{ noEmit: true, strict: true, allowJs: true, checkJs: true, skipLibCheck: true },
        ...{ module: 'nodenext', target: 'es2023', lib: ['es2023'], types: ['node'] },
      },
      include: ['*.js', '*.ts'],
    }
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(options))
    const compiler = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(compiler, ['-p', directory]).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).to.equal('')
  })

  it('have configuration files that are understood', async () => {
    const found = blocks.filter(({ text }) => /^\/\/ fetchyard\.config/.test(text))
    expect(found.length).to.be.at.least(2)
    for (const { document, line, text } of found) {
      const path = join(directory, `config-${line}.mjs`)
      await writeFile(path, text)
      const { default: content }: { readonly default: unknown } = await import(path)
      const sources = { flags: {}, environment: {}, cwd: directory }
      expect(() => assemble(sources, { path, content }), `${document}:${line}`).to.not.throw()
    }
  })

  it('show command lines that are understood', async () => {
    const commands = await loadCommands()
    let count = 0
    for (const block of blocks.filter(({ language }) => language === 'console')) {
      for (const command of commandsOf(block)) {
        const words = wordsOf(command.split('|').at(-1)?.trim() ?? '')
        const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words
        if (program !== 'fetchyard') continue
        count += 1
        const parsed = () => parseCommandLine(rest, commands)
        expect(parsed, `${block.document}:${block.line}: ${command}`).to.not.throw()
      }
    }
    expect(count).to.be.at.least(20)
  })
})
