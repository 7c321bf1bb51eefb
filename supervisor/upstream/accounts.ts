// The accounts of a node: workflows that use the same key share one reader.

import type { Settings } from '../../config/settings.js'
import type { Clock } from '../../src/core/clock.js'
import { NO_PLAN, type PlanFigures } from '../../src/core/share-plan.js'
import type { EventBus } from '../../src/telemetry/events.js'
import { fetchOptionsOf } from '../workflow-options.js'
import { type AccountReader, createAccountReader } from './account-reader.js'

export interface Accounts {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** What is known of the plan of a workflow's upstream; direct fetches have none. */
  readonly planOf: (workflow: string) => PlanFigures
}

export interface AccountUser {
  readonly workflow: string
  readonly settings: Settings
}

export function createAccounts(
  users: readonly AccountUser[],
  parts: { readonly clock: Clock; readonly events: EventBus },
): Accounts {
  const readers = new Map<string, AccountReader>()
  const byWorkflow = new Map<string, AccountReader>()
  for (const { workflow, settings } of users) {
    const fetch = fetchOptionsOf(settings)
    const { upstream } = fetch
    if (upstream.kind !== 'proxy-api') continue
    const account = JSON.stringify([upstream.key, upstream.endpoints])
    const reader = readers.get(account) ?? createAccountReader({ upstream, fetch, ...parts })
    readers.set(account, reader)
    byWorkflow.set(workflow, reader)
  }
  let unsubscribe = () => {}
  return {
    start: () => {
      unsubscribe = parts.events.subscribe((event) => {
        if (event.name !== 'item.settled' || event.code !== 'rate_limited') return
        byWorkflow.get(event.workflow)?.refresh()
      })
      for (const reader of readers.values()) reader.start()
    },
    stop: async () => {
      unsubscribe()
      await Promise.all([...readers.values()].map((reader) => reader.stop()))
    },
    planOf: (workflow) => byWorkflow.get(workflow)?.plan() ?? NO_PLAN,
  }
}
