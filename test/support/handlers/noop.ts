import { defineWorkflow } from '../../../src/workflow/define.js'

export default defineWorkflow({ name: 'test', sinks: {}, work: () => ({}) })
