// The records of the sample mapping, in a process that kills itself once: at the record and the
// moment that the module's URL names. A file remembers that it has.

import { existsSync, writeFileSync } from 'node:fs'
import type { ResultRows } from '../../../src/core/outcome.js'
import type { WorkflowDefinition } from '../../../src/workflow/define.js'

const { searchParams } = new URL(import.meta.url)
const parameter = (name: string) => searchParams.get(name) ?? ''

const records: { readonly default: WorkflowDefinition } = await import(parameter('records'))

function die(): void {
  if (existsSync(parameter('marker'))) return
  writeFileSync(parameter('marker'), 'died')
  process.kill(process.pid, 'SIGKILL')
}

const definition: WorkflowDefinition = {
  ...records.default,
  work: async (item, context): Promise<ResultRows> => {
    const isFatal = item.key.endsWith(parameter('record'))
    if (isFatal && parameter('moment') === 'before') die()
    const rows = await records.default.work(item, context)
    if (isFatal && parameter('moment') === 'after') die()
    return rows
  },
}

export default definition
