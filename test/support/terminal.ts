// A terminal with a program in it: what is typed goes in, what is on its screen comes out.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './poll.js'

const SCRIPT = '/usr/bin/script'

/** Whether there is a program that lends a terminal; in CI its absence is a failure. */
export function hasTerminals(): boolean {
  if (process.platform === 'linux' && existsSync(SCRIPT)) return true
  if (process.env.CI) throw new Error(`CI needs ${SCRIPT}`)
  return false
}

export interface TerminalOptions {
  readonly cwd: string
  readonly environment?: { readonly [name: string]: string }
  readonly rows: number
  readonly columns: number
}

export interface Terminal {
  /** The lines of the screen, from the top. */
  readonly screen: () => readonly string[]
  /** Whether the program has the other screen, whose end brings the first one back. */
  readonly isOtherScreen: () => boolean
  readonly isCursorShown: () => boolean
  readonly type: (keys: string) => void
  readonly resize: (rows: number, columns: number) => void
  /** Resolves with the screen when it shows the words. */
  readonly shows: (words: string | RegExp) => Promise<readonly string[]>
  /** Everything that was written. */
  readonly written: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  readonly exited: Promise<number | null>
}

/** Starts `command`, words for a shell, in a terminal of its own. */
export function startTerminal(command: string, options: TerminalOptions): Terminal {
  const { cwd, rows, columns, environment = {} } = options
  const ttyPath = join(cwd, `tty-${process.pid}-${columns}x${rows}`)
  const shell = `stty rows ${rows} cols ${columns}; echo "$(tty) $$" > ${ttyPath}; exec ${command}`
  const child = spawn(SCRIPT, ['-qfec', shell, '/dev/null'], {
    cwd,
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const grid = new Grid(rows)
  child.stdout?.on('data', (chunk: Buffer) => grid.write(chunk.toString('utf8')))
  const own = () => readFileSync(ttyPath, 'utf8').trim().split(' ')
  return {
    screen: () => grid.lines(),
    isOtherScreen: () => grid.isOther,
    isCursorShown: () => grid.isCursorShown,
    type: (keys) => void child.stdin?.write(keys),
    resize: (toRows, toColumns) => {
      grid.resize(toRows)
      const [tty = ''] = own()
      execFileSync('stty', ['-F', tty, 'rows', String(toRows), 'cols', String(toColumns)])
    },
    shows: async (words) => {
      const seen = () => grid.lines()
      const isThere = () => {
        const text = grid.lines().join('\n')
        return typeof words === 'string' ? text.includes(words) : words.test(text)
      }
      await eventually({ words: `a screen with ${words}`, seen }, isThere)
      return grid.lines()
    },
    written: () => grid.text,
    signal: (signal) => {
      const [, pid = ''] = own()
      process.kill(Number(pid), signal)
    },
    exited: exitOf(child),
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', (code) => resolve(code)))
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what steers a terminal
const SEQUENCE = /\u001b\[([?0-9;]*)([A-Za-z])|\r\n|\r|\n|[^\u001b\r\n]+|\u001b/g

/** As much of a terminal as the program uses; what it does not know fails the test. */
class Grid {
  text = ''
  isOther = false
  isCursorShown = true
  #rows: number
  #lines: string[] = []
  #row = 0
  #column = 0
  #rest = ''

  constructor(rows: number) {
    this.#rows = rows
  }

  lines(): readonly string[] {
    return this.#lines.slice(0, this.#rows).map((line) => (line ?? '').trimEnd())
  }

  resize(rows: number): void {
    this.#rows = rows
  }

  write(text: string): void {
    this.text += text
    const all = this.#rest + text
    // A sequence that has not come whole is read with what follows.
    const at = all.lastIndexOf('\u001b')
    const isCut = at !== -1 && /^(\[[?0-9;]*)?$/.test(all.slice(at + 1))
    const cut = isCut ? at : all.length
    this.#rest = all.slice(cut)
    for (const [token, numbers = '', letter] of all.slice(0, cut).matchAll(SEQUENCE)) {
      if (letter !== undefined) this.#obey(letter, numbers)
      else if (token === '\r\n' || token === '\n') this.#moveTo(this.#row + 1, 0)
      else if (token === '\r') this.#column = 0
      else this.#put(token)
    }
  }

  #obey(letter: string, numbers: string): void {
    const [first = 1, second = 1] = numbers.split(';').map(Number)
    if (letter === 'H') this.#moveTo(first - 1, second - 1)
    else if (letter === 'K') this.#lines[this.#row] = numbers === '2' ? '' : this.#upTo()
    else if (letter === 'J' && numbers === '2') this.#lines = []
    else if (letter === 'J') this.#lines.length = Math.min(this.#lines.length, this.#row)
    else if (letter === 'h' || letter === 'l') this.#switch(numbers, letter === 'h')
    else if (letter !== 'm') throw new Error(`unknown sequence ${numbers}${letter}`)
  }

  #switch(mode: string, isOn: boolean): void {
    if (mode === '?25') this.isCursorShown = isOn
    if (mode === '?1049') {
      this.isOther = isOn
      this.#lines = []
      this.#moveTo(0, 0)
    }
  }

  #upTo(): string {
    return (this.#lines[this.#row] ?? '').slice(0, this.#column)
  }

  #moveTo(row: number, column: number): void {
    this.#row = row
    this.#column = column
  }

  #put(text: string): void {
    const line = (this.#lines[this.#row] ?? '').padEnd(this.#column)
    const after = line.slice(this.#column + text.length)
    this.#lines[this.#row] = line.slice(0, this.#column) + text + after
    this.#column += text.length
  }
}
