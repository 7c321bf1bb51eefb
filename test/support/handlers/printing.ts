// A module that prints while it is loaded, and dies at once where it is told to.
import { isMainThread } from 'node:worker_threads'
import { defineWorkflow } from '../../../src/workflow/define.js'

for (let line = 1; line <= 2_000; line += 1) console.log(`line ${line}`)
process.stdout.write('x'.repeat(5_000))
process.stdout.write('\n\n')
process.stderr.write('https://user:pass@example.com/?key=1 and no end')
// What stands in the pipes must not be lost with the process.
if (isMainThread) process.exit(3)

export default defineWorkflow({ name: 'test', sinks: {}, work: () => ({}) })
