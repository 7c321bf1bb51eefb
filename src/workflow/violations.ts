import { type Fields, isFields } from '../core/fields.js'

export type { Fields }

/** What is wrong with a value somebody else wrote, collected field by field. */
export class Violations {
  readonly list: string[] = []

  add(field: string, rule: string, got: unknown): void {
    this.list.push(`\`${field}\`: expected ${rule}, got ${describeValue(got)}.`)
  }

  /** Adds what to do to the latest violation. */
  advise(fix: string): void {
    const latest = this.list.pop()
    if (latest !== undefined) this.list.push(`${latest} ${fix}`)
  }

  /** The value's fields when it is an object with fields; null, and a violation, when not. */
  object(field: string, value: unknown): Fields | null {
    if (isFields(value)) return value
    this.add(field, 'an object', value)
    return null
  }

  /** Names fields that nobody reads: they are misspelt ones. */
  onlyFields(prefix: string, value: Fields, known: readonly string[]): void {
    for (const field of Object.keys(value)) {
      if (known.includes(field)) continue
      this.add(`${prefix}${field}`, `no such field (known: ${known.join(', ')})`, value[field])
    }
  }

  match(
    field: string,
    value: unknown,
    expected: { readonly pattern: RegExp; readonly rule: string },
  ): void {
    if (typeof value === 'string' && expected.pattern.test(value)) return
    this.add(field, expected.rule, value)
  }

  oneOf(field: string, value: unknown, allowed: readonly string[]): void {
    if (typeof value === 'string' && allowed.includes(value)) return
    this.add(field, `one of ${allowed.join(', ')}`, value)
  }

  /** Checks each entry of a list; returns how many there are, or null when it is no list. */
  each(
    field: string,
    value: unknown,
    check: (field: string, entry: unknown) => void,
  ): number | null {
    if (!Array.isArray(value)) {
      this.add(field, 'a list', value)
      return null
    }
    value.forEach((entry: unknown, index) => {
      check(`${field}[${index}]`, entry)
    })
    return value.length
  }
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (value === undefined) return 'nothing'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return `${value}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
