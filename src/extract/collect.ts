import { EXTRACT_BOUNDS } from './bounds.js'
import { type ContactDraft, type ExtractedContact, PLACE_CONFIDENCE } from './contact.js'
import { cleanLine, foldName } from './text.js'

const NAME_KINDS = new Set(['organization', 'person'])

/** Gathers contacts so that each is there once: the surest sighting wins, others fill its gaps. */
export class Collector {
  readonly #contacts = new Map<string, ExtractedContact>()

  add(draft: ContactDraft): void {
    const value = cleanLine(draft.value)
    if (value === '' || value.length < draft.value.trim().length - 40) return
    const contact: ExtractedContact = {
      kind: draft.kind,
      value,
      shown: cleanLine(draft.shown ?? draft.value),
      name: nameOrNull(draft.name),
      role: nameOrNull(draft.role),
      foundIn: draft.foundIn,
      confidence: round(Math.min(1, PLACE_CONFIDENCE[draft.foundIn] * (draft.trust ?? 1))),
    }
    const key = keyOf(contact)
    const known = this.#contacts.get(key)
    if (known === undefined && this.#contacts.size >= EXTRACT_BOUNDS.contactsMax) return
    this.#contacts.set(key, known === undefined ? contact : merge(known, contact))
  }

  /** In the order in which they were first seen. */
  contacts(): ExtractedContact[] {
    return [...this.#contacts.values()]
  }
}

function nameOrNull(name: string | null | undefined): string | null {
  const line = cleanLine(name ?? '')
  return line === '' ? null : line
}

const round = (confidence: number): number => Math.round(confidence * 1_000) / 1_000

function keyOf({ kind, value }: ExtractedContact): string {
  return `${kind} ${NAME_KINDS.has(kind) ? foldName(value) : value}`
}

function merge(known: ExtractedContact, other: ExtractedContact): ExtractedContact {
  const [surer, lesser] = other.confidence > known.confidence ? [other, known] : [known, other]
  // Seen in the text as well: what people read is how the contact is shown.
  const shown = lesser.foundIn === 'text' ? lesser.shown : surer.shown
  return { ...surer, shown, name: surer.name ?? lesser.name, role: surer.role ?? lesser.role }
}
