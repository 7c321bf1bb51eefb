// The rules of the house that a compiler does not know, held against the sources. A rule that is
// broken on purpose has an entry with its reason; an entry that is no longer needed fails, too.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

/** Exceptions by file: the reason, in words. */
type Allowed = Readonly<Record<string, string>>

const LINES_OF_FUNCTION_MAX = 70
const LINES_OF_FILE_MAX = 300
const COLUMNS_MAX = 100
const FOLDERS = ['src', 'config', 'supervisor', 'workers']

/** What a folder may import besides itself. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/actor': ['src/core'],
  'src/store': ['src/core'],
  'src/fetch': ['src/core'],
  'src/extract': ['src/core'],
  'src/telemetry': ['src/core'],
  'src/workflow': ['src/core'],
  'src/records': ['src/core', 'src/fetch', 'src/workflow'],
  'src/documents': ['src/core', 'src/fetch', 'src/workflow'],
  'src/workflows': [
    ...['src/core', 'src/documents', 'src/extract', 'src/fetch', 'src/records', 'src/workflow'],
  ],
  // The door of the package: what users may import.
  src: ['src/core', 'src/extract', 'src/fetch', 'src/records', 'src/workflow'],
  config: ['src'],
  supervisor: ['config', 'src'],
  workers: ['src'],
}

const SQL_ALLOWED: Allowed = {
  'src/workflows/tables.ts': 'declares the tables of the shipped workflows',
}

const ENVIRONMENT_ALLOWED: Allowed = {
  'supervisor/process-transport.ts': 'hands a few variables on to its children',
  'supervisor/embedded/program.ts': 'hands a few variables on to the programs of Postgres',
}

const LONG_FUNCTION_ALLOWED: Allowed = {
  'supervisor/leaser.ts': 'one closure over the state of one leaser; to be split',
  'supervisor/node.ts': 'puts the parts of a node together, one after the other; to be split',
}
const LONG_FILE_ALLOWED: Allowed = {}

const REWRAP = 'a comment a few columns too long, to be wrapped anew'
const LONG_LINE_ALLOWED: Allowed = {
  'src/actor/messages.ts': REWRAP,
  'src/telemetry/events.ts': REWRAP,
  'src/workflow/define.ts': REWRAP,
  'supervisor/cli/command.ts': REWRAP,
  'supervisor/cli/report.ts': REWRAP,
  'supervisor/embedded/address.ts': REWRAP,
  'supervisor/embedded/bounds.ts': REWRAP,
  'supervisor/embedded/files.ts': REWRAP,
  'supervisor/embedded/lock.ts': REWRAP,
  'supervisor/embedded/program.ts': REWRAP,
}

function findRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : findRoot(dirname(from))
}

const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

interface Source {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

function readSources(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => {
      const path = `${folder}/${name}`
      const text = readFileSync(join(ROOT, path), 'utf8')
      return { path, text, lines: text.split('\n') }
    })
}

const SOURCES = FOLDERS.flatMap(readSources)

/** Holds that exactly the allowed files break a rule. */
function expectOnly(broken: ReadonlyMap<string, readonly string[]>, allowed: Allowed): void {
  const unexpected = [...broken].filter(([path]) => !(path in allowed))
  expect(
    unexpected.flatMap(([path, hints]) => hints.map((hint) => `${path}: ${hint}`)),
  ).to.deep.equal([])
  const idle = Object.keys(allowed).filter((path) => !broken.has(path))
  expect(idle, 'exceptions that nobody needs').to.deep.equal([])
}

function breaking(find: (source: Source) => readonly string[]): Map<string, readonly string[]> {
  const found = SOURCES.map((source) => [source.path, find(source)] as const)
  return new Map(found.filter(([, hints]) => hints.length > 0))
}

function linesThat(source: Source, pattern: RegExp): readonly string[] {
  return source.lines.flatMap((line, index) =>
    pattern.test(line) ? [`line ${index + 1}: ${line.trim()}`] : [],
  )
}

/** The part of the house a file lives in: `src/store` for one below it, `supervisor`, ... */
function partOf(path: string): string {
  const [top = '', second = ''] = path.split('/')
  return top === 'src' && !second.endsWith('.ts') ? `${top}/${second}` : top
}

function importedPaths(source: Source): readonly string[] {
  const specifiers = source.text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']*)'/g)
  const folder = dirname(join(ROOT, source.path))
  return [...specifiers].map(([, specifier = '']) => relative(ROOT, join(folder, specifier)))
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true
  return (IMPORTS[from] ?? []).some((part) => to === part || to.startsWith(`${part}/`))
}

/** Text within quotes and backquotes; comments speak of SQL freely. */
function literalsOf(source: Source): string {
  const code = source.text.replaceAll(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, '')
  return (code.match(/`[^`]*`|'[^'\n]*'|"[^"\n]*"/g) ?? []).join('\n')
}

const SQL =
  /\b(?:select\s[^`]*\sfrom\s+[\w".$]|insert\s+into\s|delete\s+from\s|create\s+(?:table|index|schema|database)\b|alter\s+table\b|drop\s+(?:table|schema|database)\b)|\bupdate\s+[\w".$]+\s+set\b/i

/** First and last line of each function, told by the indentation that the formatter guarantees. */
function functionSpans(
  source: Source,
): readonly { readonly first: number; readonly lines: number }[] {
  const opens =
    /^(\s*)(?!.*\b(?:if|for|while|switch|catch|do|else|try)\b.*\{$).*(?:\bfunction\b.*|=>|\)(?::.*)?) \{$/
  return source.lines.flatMap((line, first) => {
    const indentation = opens.exec(line)?.[1]
    if (indentation === undefined) return []
    const last = source.lines.findIndex(
      (other, index) => index > first && other.startsWith(`${indentation}}`),
    )
    return last === -1 ? [] : [{ first: first + 1, lines: last - first + 1 }]
  })
}

describe('the architecture', () => {
  it('has sources to look at', () => {
    for (const folder of FOLDERS) {
      expect(
        SOURCES.some(({ path }) => path.startsWith(`${folder}/`)),
        folder,
      ).to.equal(true)
    }
  })

  it('knows every part of the house', () => {
    const parts = new Set(SOURCES.map(({ path }) => partOf(path)))
    expect([...parts].filter((part) => !(part in IMPORTS))).to.deep.equal([])
  })

  it('lets imports go one way: core <- src <- config <- supervisor, and src <- workers', () => {
    const broken = breaking((source) =>
      importedPaths(source)
        .filter((path) => !mayImport(partOf(source.path), partOf(path)))
        .map((path) => `imports ${path}`),
    )
    expectOnly(broken, {})
  })

  it('keeps core free of everything, Node and packages included', () => {
    const broken = breaking((source) =>
      source.path.startsWith('src/core/') ? linesThat(source, /from '(?!\.\/)/) : [],
    )
    expectOnly(broken, {})
  })

  it('speaks SQL in src/store alone', () => {
    const broken = breaking((source) => {
      if (source.path.startsWith('src/store/')) return []
      const match = SQL.exec(literalsOf(source))
      return match === null ? [] : [match[0].slice(0, 60)]
    })
    expectOnly(broken, SQL_ALLOWED)
  })

  it('reads the environment where options are made, and nowhere else', () => {
    const broken = breaking((source) =>
      /^(?:config|supervisor\/cli)\//.test(source.path) ? [] : linesThat(source, /process\.env\b/),
    )
    expectOnly(broken, ENVIRONMENT_ALLOWED)
  })

  it('writes to the console nowhere: results and talk have streams, the rest are events', () => {
    expectOnly(
      breaking((source) => linesThat(source, /\bconsole\.\w+\(/)),
      {},
    )
  })

  it('reads URLs by parseUrl, which Node 20 gets right however often it is called', () => {
    expectOnly(
      breaking((source) => linesThat(source, /\bURL\.canParse\(/)),
      {},
    )
  })

  it('knows no `any`, and no comment that silences the compiler', () => {
    const untyped = /(?::|<|\bas|\|)\s*any\b|@ts-(?:ignore|nocheck|expect-error)/
    const code = (source: Source) => ({
      ...source,
      lines: source.lines.map((line) => line.replace(/^\s*(?:\/?\*|\/\/ (?!@ts)).*$/, '')),
    })
    expectOnly(
      breaking((source) => linesThat(code(source), untyped)),
      {},
    )
  })

  it(`has no function of more than ${LINES_OF_FUNCTION_MAX} lines`, () => {
    const broken = breaking((source) =>
      functionSpans(source)
        .filter(({ lines }) => lines > LINES_OF_FUNCTION_MAX)
        .map(({ first, lines }) => `the function at line ${first} has ${lines} lines`),
    )
    expectOnly(broken, LONG_FUNCTION_ALLOWED)
  })

  it(`has no file of more than ${LINES_OF_FILE_MAX} lines`, () => {
    const broken = breaking(({ lines }) => {
      const count = lines.length - 1
      return count > LINES_OF_FILE_MAX ? [`has ${count} lines`] : []
    })
    expectOnly(broken, LONG_FILE_ALLOWED)
  })

  it(`has no line of more than ${COLUMNS_MAX} columns, but for literals, patterns and SQL`, () => {
    const broken = breaking((source) =>
      source.lines.flatMap((line, index) => {
        const isComment = /^\s*(?:\/\/|\/?\*)/.test(line) && !line.includes('://')
        const isSql = /^\s*[a-z(|].*\b(?:select|from|where|join|filter)\b/.test(line)
        const isBreakable = isComment || !(/[`'"/$]/.test(line) || isSql)
        return line.length > COLUMNS_MAX && isBreakable ? [`line ${index + 1}`] : []
      }),
    )
    expectOnly(broken, LONG_LINE_ALLOWED)
  })

  it('names no place of a machine it was written on', () => {
    const broken = breaking((source) => linesThat(source, /['"`\s(]\/(?:work|home|Users|root)\//))
    expectOnly(broken, {})
  })

  it('has no test that is left out or alone', () => {
    const tests = readSources('test').filter(({ path }) => path.endsWith('.test.ts'))
    const marked = tests.filter(({ lines }) =>
      lines.some((line) => /^\s*(?:describe|it|context)\.(?:only|skip)\(/.test(line)),
    )
    expect(marked.map(({ path }) => path)).to.deep.equal([])
  })
})
