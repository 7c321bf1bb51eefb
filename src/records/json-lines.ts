// On which line each value of a JSON text stands, by its dotted path (`tables.a.columns.b`), so
// that what is wrong with a file can be found in it. For text that JSON.parse has accepted.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\n/g

interface Frame {
  readonly path: string
  readonly isList: boolean
  index: number
  key: string | null
}

function joined(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function placeOf(frame: Frame | undefined): string {
  if (frame === undefined) return ''
  return frame.isList ? `${frame.path}[${frame.index}]` : joined(frame.path, frame.key ?? '')
}

/** Lines, from 1, by path. The path of the whole is empty. */
export function jsonLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  const frames: Frame[] = []
  let line = 1
  for (const [token] of text.matchAll(TOKEN)) {
    const frame = frames.at(-1)
    if (token === '\n') line += 1
    else if (token === '{' || token === '[') {
      const path = placeOf(frame)
      if (!lines.has(path)) lines.set(path, line)
      frames.push({ path, isList: token === '[', index: 0, key: null })
    } else if (token === '}' || token === ']') frames.pop()
    else if (token === ',') {
      if (frame !== undefined) {
        frame.index += 1
        frame.key = null
      }
    } else if (token !== ':') noteValue(token, { frame, line, lines })
  }
  return lines
}

function noteValue(
  token: string,
  at: { frame: Frame | undefined; line: number; lines: Map<string, number> },
): void {
  const { frame, line, lines } = at
  if (frame !== undefined && !frame.isList && frame.key === null) {
    const key: unknown = JSON.parse(token)
    frame.key = String(key)
  }
  const path = placeOf(frame)
  if (!lines.has(path)) lines.set(path, line)
}

/** The line of a field, or of the nearest field around it that is there. */
export function lineOf(lines: ReadonlyMap<string, number>, field: string): number | null {
  for (let path = field; path !== ''; path = path.replace(/(?:\.|^)[^.[]*$|\[[^[]*$/, '')) {
    const line = lines.get(path)
    if (line !== undefined) return line
  }
  return lines.get('') ?? null
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
