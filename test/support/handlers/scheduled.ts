// A workflow that works ten items a second, in instances of its schedule.

import { setTimeout as sleep } from 'node:timers/promises'
import { defineWorkflow } from '../../../src/workflow/define.js'

export default defineWorkflow({
  name: 'scheduled',
  sinks: {},
  schedule: { every: '1s', batch: 10 },
  // Long enough that a kill finds some of them under way.
  work: async () => {
    await sleep(50)
    return {}
  },
})
