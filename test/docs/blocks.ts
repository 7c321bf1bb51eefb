// The fenced blocks of a document.

export interface Block {
  readonly document: string
  /** Line of its fence. */
  readonly line: number
  /** `js`, `ts`, `sql`, `console`, ... */
  readonly language: string
  readonly text: string
}

export function blocksOf(document: string, text: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { readonly line: number; readonly language: string } | null = null
  let held: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\S*)/.exec(line)
    if (fence === null) {
      if (open !== null) held.push(line)
      continue
    }
    if (open === null) open = { line: index + 1, language: fence[1] ?? '' }
    else {
      blocks.push({ document, ...open, text: `${held.join('\n')}\n` })
      open = null
      held = []
    }
  }
  return blocks
}

/** The commands of a `console` block: what follows a prompt, without its comment. */
export function commandsOf(block: Block): readonly string[] {
  return block.text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2).replace(/\s+#.*$/, ''))
}

/** The words of a command as a shell reads them, as far as documents go: quotes, no variables. */
export function wordsOf(command: string): readonly string[] {
  const words = command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []
  return words.map((word) => word.replaceAll(/['"]/g, ''))
}
