import { defineWorkflow } from '../../src/workflow/define.js'

/** Items to end at once, with nothing kept of them but their receipts. */
export default defineWorkflow<{ url: string }>({ name: 'no-op', sinks: {}, work: () => ({}) })
