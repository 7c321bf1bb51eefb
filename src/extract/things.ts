// What a page says for machines, whichever way it says it: JSON-LD, microdata, RDFa and
// microformats all come down to things with types and properties of the schema.org vocabulary.

import type { FoundIn } from './contact.js'

export type ThingValue = string | Thing

export interface Thing {
  /** Types without their namespace: `Organization`, `Person`, ... */
  readonly types: readonly string[]
  /** Values by property name, in the order of the page. */
  readonly properties: ReadonlyMap<string, readonly ThingValue[]>
  readonly foundIn: FoundIn
}

/** A thing under construction. */
export class ThingBuilder implements Thing {
  readonly types: string[]
  readonly properties = new Map<string, ThingValue[]>()
  readonly foundIn: FoundIn

  constructor(types: readonly string[], foundIn: FoundIn) {
    this.types = types.map(bareName)
    this.foundIn = foundIn
  }

  add(property: string, value: ThingValue): void {
    const name = bareName(property)
    const values = this.properties.get(name)
    if (values === undefined) this.properties.set(name, [value])
    else values.push(value)
  }
}

/** `https://schema.org/Person`, `schema:Person` and `Person` are one name. */
function bareName(name: string): string {
  return name.replace(/^.*[/#:]/, '')
}

export function textsOf(thing: Thing, ...properties: readonly string[]): string[] {
  const values = properties.flatMap((property) => thing.properties.get(property) ?? [])
  return values.filter((value) => typeof value === 'string').filter((value) => value.trim() !== '')
}

export function thingsOf(thing: Thing, ...properties: readonly string[]): Thing[] {
  const values = properties.flatMap((property) => thing.properties.get(property) ?? [])
  return values.filter((value) => typeof value !== 'string')
}

export function firstText(thing: Thing, ...properties: readonly string[]): string | null {
  return textsOf(thing, ...properties)[0] ?? null
}
