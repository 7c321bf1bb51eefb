import { expect } from 'chai'
import { runProgram, useDirectory } from './program.js'

interface Refused {
  readonly words: readonly string[]
  readonly exitCode: number
  readonly says: RegExp
  readonly environment?: { readonly [name: string]: string }
}

const NOWHERE = 'postgres://nobody@127.0.0.1:1/none'

const REFUSED: readonly Refused[] = [
  { words: ['rnu'], exitCode: 2, says: /no command `rnu`\. Did you mean `run`\?/ },
  { words: ['run'], exitCode: 2, says: /Not enough non-option arguments/ },
  { words: ['run', 'contacts'], exitCode: 2, says: /Expected --input/ },
  {
    words: ['run', 'contacts', '--inptu', 'x'],
    exitCode: 2,
    says: /Unknown option `--inptu`\. Did you mean `--input`\?/,
  },
  { words: ['status', 'extra'], exitCode: 2, says: /Unknown argument `extra`/ },
  {
    words: ['run', 'contcats', '--input', '-'],
    exitCode: 2,
    says: /no workflow `contcats`\. Did you mean `contacts`\?/,
  },
  { words: ['run', './none.js', '--input', '-'], exitCode: 2, says: /no workflow module at/ },
  {
    words: ['run', 'contacts', '--input', 'none.csv'],
    exitCode: 2,
    says: /none\.csv cannot be read: there is no such file/,
  },
  { words: ['run', 'contacts', '--input', '.'], exitCode: 2, says: /it is a directory/ },
  {
    words: ['run', 'contacts', '--input', '-', '--output', 'x.xls'],
    exitCode: 2,
    says: /Expected --output to end in \.csv or \.jsonl, got x\.xls/,
  },
  {
    words: ['run', 'contacts', '--input', '-', '--output', 'none/x.csv'],
    exitCode: 2,
    says: /none\/x\.csv cannot be written/,
  },
  {
    words: ['demo', '--sites', 'many'],
    exitCode: 2,
    says: /Expected --sites to be a whole number/,
  },
  {
    words: ['up', '--lease', '10s'],
    exitCode: 78,
    says: /Expected `lease` to be at least 3 × `heartbeat` \(5 s\).*got 10 s \(from --lease\)/,
  },
  {
    words: ['up'],
    environment: { FETCHYARD_ATTEMPTS: 'x', FETCHYARD_EXECUTOR: 'y' },
    exitCode: 78,
    says: /2 options cannot be used:\n- .*executor.*\n- .*attempts/,
  },
  { words: ['status', '--config', 'none.json'], exitCode: 78, says: /none\.json cannot be read/ },
  {
    words: ['status'],
    environment: { DATABASE_URL: NOWHERE },
    exitCode: 69,
    says: /cannot be reached/,
  },
  {
    words: ['status'],
    environment: { DATABASE_URL: 'mysql://x' },
    exitCode: 78,
    says: /Expected `FETCHYARD_DATABASE_URL` to be a URL such as postgres:/,
  },
]

describe('cli: what cannot be used', () => {
  const directory = useDirectory()

  for (const { words, exitCode, says, environment = {} } of REFUSED) {
    const line = [...Object.keys(environment).map((name) => `${name}=…`), ...words].join(' ')
    it(`ends \`${line}\` with ${exitCode} and one clear message`, async () => {
      const ended = await runProgram(words, { cwd: directory.path, environment })

      expect(ended.stderr).to.match(says)
      expect(ended.exitCode).to.equal(exitCode)
      expect(ended.stdout).to.equal('')
      expect(ended.stderr).to.match(/^Error: /)
      expect(ended.stderr).to.not.match(/\n {4}at /)
    })
  }

  it('shows the stack with --log-level debug', async () => {
    const words = ['up', '--lease', '10s', '--log-level', 'debug']
    const ended = await runProgram(words, { cwd: directory.path })
    expect(ended.stderr).to.match(/\n {4}at /)
  })

  it('leads help with examples and ends it with the exit codes', async () => {
    const help = await runProgram(['--help'], { cwd: directory.path })

    expect(help.exitCode).to.equal(0)
    expect(help.stderr).to.equal('')
    expect(help.stdout).to.match(/^Examples:\n {2}fetchyard demo/)
    expect(help.stdout).to.match(/Exit codes:\n +0 {2}done\n[\s\S]* 78 {2}/)
    expect((await runProgram([], { cwd: directory.path })).stdout).to.equal(help.stdout)
  })

  it('tells its version', async () => {
    const ended = await runProgram(['--version'], { cwd: directory.path })
    expect(ended.stdout).to.match(/^\d+\.\d+\.\d+\n$/)
  })

  it('reads an environment file only when it is named, and lets the environment win', async () => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${directory.path}/.env`, `DATABASE_URL=${NOWHERE}\nFETCHYARD_ATTEMPTS=x\n`)
    const options = { cwd: directory.path, environment: { FETCHYARD_ATTEMPTS: '2' } }
    const named = await runProgram(['status', '--env-file', '.env'], options)

    expect(named.exitCode).to.equal(69)
  })
})
