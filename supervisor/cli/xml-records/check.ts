// `records check`: whether a mapping is sound, whether the live tables suit it, and what the
// records of a sample become. Nothing is written.

import { resolve } from 'node:path'
import { EXIT_CODES } from '../../../src/core/errors.js'
import type { ResultRows } from '../../../src/core/outcome.js'
import { convertRecord } from '../../../src/records/convert.js'
import type { RecordPayload } from '../../../src/records/define.js'
import { makePlan, type Plan } from '../../../src/records/plan.js'
import { RecordProblem } from '../../../src/records/record-problem.js'
import { DocumentProblem } from '../../../src/records/splitter.js'
import type { LoadedRecords } from '../../records/load-records.js'
import { readRecords } from '../../records/read-records.js'
import { type Invocation, isGiven, textGiven } from '../command.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'
import { givenRecords } from './given.js'

/** Records of a sample whose rows are shown; problems are shown of as many. */
const SHOWN = 3

interface Sampled {
  readonly good: number
  readonly bad: number
  readonly rows: number
  readonly shown: readonly { readonly record: number; readonly rows: ResultRows }[]
  readonly problems: readonly { readonly record: number; readonly problem: string }[]
}

export async function checkRecords(invocation: Invocation): Promise<number> {
  const records = await givenRecords(invocation)
  if (isGiven(invocation, 'tables')) {
    const request = databaseRequest(invocation, { purpose: 'records check', exclusive: false })
    await withDatabase(request, ({ sql }) => records.prepare(sql))
  }
  const path = textGiven(invocation, 'sample')
  const sampled = path === null ? null : await sample(resolve(invocation.cwd, path), records)
  await report(invocation, records, sampled)
  return sampled !== null && sampled.bad > 0 ? EXIT_CODES.usage : EXIT_CODES.ok
}

/** The rows of a record, or why it has none. */
function tryRecord(payload: RecordPayload, plan: Plan): ResultRows | string {
  if ('problem' in payload) return `${plan.place}: ${payload.problem}`
  try {
    return convertRecord(payload, plan)
  } catch (error) {
    if (error instanceof RecordProblem) return error.message
    throw error
  }
}

async function sample(path: string, { origin }: LoadedRecords): Promise<Sampled> {
  const plan = makePlan(origin.mapping)
  const counts = { good: 0, bad: 0, rows: 0 }
  const shown: { record: number; rows: ResultRows }[] = []
  const problems: { record: number; problem: string }[] = []
  const note = (record: number, problem: string) => {
    counts.bad += 1
    if (problems.length < SHOWN) problems.push({ record, problem })
  }
  const { record, place } = plan
  try {
    for await (const slice of readRecords({ path, record, nests: origin.mapping.nests })) {
      for (const { number, payload } of slice) {
        const rows = tryRecord(payload, plan)
        if (typeof rows === 'string') {
          note(number, rows)
          continue
        }
        counts.good += 1
        counts.rows += Object.values(rows).reduce((sum, list) => sum + list.length, 0)
        if (shown.length < SHOWN) shown.push({ record: number, rows })
      }
    }
  } catch (error) {
    if (!(error instanceof DocumentProblem)) throw error
    note(counts.good + counts.bad + 1, `${place}: ${error.message}`)
  }
  if (counts.good + counts.bad === 0) note(1, `${place}: the file holds no such record`)
  return { ...counts, shown, problems }
}

async function report(
  invocation: Invocation,
  { definition, schema, origin }: LoadedRecords,
  sampled: Sampled | null,
): Promise<void> {
  const { streams } = invocation
  const tables = origin.mapping.tables.map(({ table }) => `${schema}.${table}`)
  if (isGiven(invocation, 'json')) {
    await printJson(streams, { schema: 1, workflow: definition.name, tables, sample: sampled })
    return
  }
  await print(streams, `The mapping is sound: workflow ${definition.name}, ${tables.join(', ')}.`)
  if (isGiven(invocation, 'tables')) await print(streams, 'The live tables suit it.')
  if (sampled === null) return
  for (const { record, rows } of sampled.shown) {
    await print(streams, `Record ${record}`)
    for (const [table, list] of Object.entries(rows)) {
      for (const row of list) await print(streams, `  ${table} ${JSON.stringify(row)}`)
    }
  }
  const { good, bad } = sampled
  await print(streams, `${good + bad} records: ${good} become ${sampled.rows} rows, ${bad} fail.`)
  for (const { record, problem } of sampled.problems) say(streams, `Record ${record}: ${problem}`)
}
