// A second workflow, which does nothing but its work.

import { defineWorkflow } from '../../../src/workflow/define.js'

export default defineWorkflow({
  name: 'steady-pages',
  sinks: {},
  work: async ({ payload }, context) => {
    await context.fetchPage(payload.url)
    return {}
  },
})
