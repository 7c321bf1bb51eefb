// The three streams of a command. stdout carries the result and nothing else; everything that is
// said to the person goes to stderr. Commands get them handed in, so that tests can hand in others.

import type { Readable, Writable } from 'node:stream'
import { hasCode } from '../../src/core/errors.js'

export interface Out {
  readonly isTerminal: boolean
  readonly hasColor: boolean
  readonly columns: number
  readonly rows: number
  /** Calls `listen` when the terminal has another size. @returns what ends that. */
  readonly onResize: (listen: () => void) => () => void
  /** False once the reader has gone; what is written after that is dropped. */
  readonly isOpen: () => boolean
  /** Resolves when the stream can take more. */
  readonly write: (text: string) => Promise<void>
}

export interface Streams {
  readonly stdin: Readable & {
    readonly isTTY?: boolean
    /** Hands out each key as it is pressed. */
    readonly setRawMode?: (isRaw: boolean) => unknown
  }
  readonly stdout: Out
  readonly stderr: Out
}

type Terminal = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

const COLUMNS_UNKNOWN = 80
const ROWS_UNKNOWN = 24

/** Colour on a terminal, unless NO_COLOR or a dumb terminal asks for none. */
export function wantsColor(
  isTerminal: boolean,
  environment: { readonly [name: string]: string | undefined },
): boolean {
  if ((environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb') return false
  return isTerminal
}

export function createOut(
  stream: Terminal,
  environment: { readonly [name: string]: string | undefined },
): Out {
  const isTerminal = stream.isTTY === true
  let isOpen = true
  stream.on('error', (error) => {
    // `fetchyard export | head` ends its reader early: that is no failure of ours.
    isOpen = false
    if (!hasCode(error, 'EPIPE')) throw error
  })
  return {
    isTerminal,
    hasColor: wantsColor(isTerminal, environment),
    get columns() {
      // A terminal that does not know its width says 0.
      return stream.columns || COLUMNS_UNKNOWN
    },
    get rows() {
      return stream.rows || ROWS_UNKNOWN
    },
    onResize: (listen) => {
      stream.on('resize', listen)
      return () => stream.off('resize', listen)
    },
    isOpen: () => isOpen,
    write: (text) =>
      new Promise((resolve) => {
        if (!isOpen) resolve()
        else stream.write(text, () => resolve())
      }),
  }
}

/** Says a sentence to the person, on a line of its own. */
export function say(streams: Streams, words: string): void {
  void streams.stderr.write(`${words}\n`)
}

/** Writes a line of the result. */
export function print(streams: Streams, line: string): Promise<void> {
  return streams.stdout.write(`${line}\n`)
}

/** Prints a value as the one JSON document of a command. */
export function printJson(
  streams: Streams,
  value: { readonly schema: 1; readonly [field: string]: unknown },
): Promise<void> {
  return print(streams, JSON.stringify(value, null, 2))
}

const COLORS = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
} as const

export function paint(
  out: Pick<Out, 'hasColor'>,
  color: keyof typeof COLORS,
  text: string,
): string {
  const [on, off] = COLORS[color]
  return out.hasColor ? `\u001b[${on}m${text}\u001b[${off}m` : text
}
