// The schema that is shipped beside the document of the protocol, as a judge of documents.

import { readFileSync } from 'node:fs'
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'

export const SCHEMA_PATH = 'docs/live-protocol.schema.json'

type Schema = { readonly [name: string]: unknown }

export const SCHEMA: Schema & { readonly $defs: { readonly [name: string]: Schema } } = JSON.parse(
  readFileSync(SCHEMA_PATH, 'utf8'),
)

/** What is wrong with a document; empty when nothing is. */
export type Judge = (definition: string, document: unknown) => readonly string[]

/**
 * Readers ignore fields that they do not know. We are not among them: a field that is sent and not
 * described is a fault of the description.
 */
function closed(definition: Schema): Schema {
  const isOpen =
    definition.type === 'object' &&
    definition.properties !== undefined &&
    definition.additionalProperties === undefined
  return isOpen ? { ...definition, additionalProperties: false } : definition
}

function schemaOf(isStrict: boolean): Schema {
  const definitions = Object.entries(SCHEMA.$defs).map(([name, definition]) => {
    const isForeign = name === 'unknownMessage'
    return [name, isStrict && !isForeign ? closed(definition) : definition]
  })
  return { ...SCHEMA, $id: 'live', $defs: Object.fromEntries(definitions) }
}

/** @param isStrict whether fields that are not described are faults. */
export function createJudge({ isStrict }: { readonly isStrict: boolean }): Judge {
  const ajv = new Ajv2020.default({ allErrors: true, strict: true, strictTypes: false })
  ajv.addSchema(schemaOf(isStrict))
  const known = new Map<string, ValidateFunction>()
  return (definition, document) => {
    const validate = known.get(definition) ?? ajv.compile({ $ref: `live#/$defs/${definition}` })
    known.set(definition, validate)
    if (validate(document)) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${definition}${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }
}
