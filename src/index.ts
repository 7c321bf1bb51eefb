// What a workflow module imports, and what a program that reads Fetchyard's results compares.

export type { SinkDefinition, SourceDefinition } from './core/definition.js'
export type { ErrorCode, ExitName } from './core/errors.js'
export { ERROR_CODES, EXIT_CODES, FetchyardError, hasCode } from './core/errors.js'
export type { FetchedPage } from './core/fetched-page.js'
export type { Json, OutcomeCode, OutcomeRule, ResultRow, ResultRows } from './core/outcome.js'
export { OUTCOME_CODES, OUTCOMES } from './core/outcome.js'
export type { ScheduleDefinition } from './core/schedule.js'
export { extractContacts } from './extract/extract-contacts.js'
export { FetchFailure } from './fetch/failure.js'
export type {
  ColumnType,
  HandlerContext,
  WorkflowDefinition,
  WorkflowOptions,
  WorkItem,
} from './workflow/define.js'
export { COLUMN_TYPES, defineWorkflow } from './workflow/define.js'
export { validateWorkflow } from './workflow/validate.js'
