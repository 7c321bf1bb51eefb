import type { PortRange } from '../src/core/worker-options.js'
import { makeOption, type Option, type OptionWords } from './option.js'

function portRangeOf(part: string): PortRange | undefined {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part)
  if (found === null) return undefined
  const first = Number(found[1])
  const last = Number(found[2] ?? found[1])
  return first >= 1 && first <= last && last <= 65_535 ? [first, last] : undefined
}

/** Ports and ranges of them: a list in a file; separated by commas, or given again, elsewhere. */
export function portRanges(words: OptionWords<readonly PortRange[]>): Option<readonly PortRange[]> {
  return makeOption(words, {
    type: 'list',
    rule: 'ports and ranges of ports such as 80,443,8000-8999',
    parse: (raw) => {
      const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      const parts = given.flatMap((entry) => String(entry).split(',')).map((part) => part.trim())
      const found = parts.filter((part) => part !== '').map(portRangeOf)
      return found.every((range) => range !== undefined) ? found : undefined
    },
    show: (value) => {
      const words = value.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
      return words.length === 0 ? 'all' : words.join(', ')
    },
  })
}
