import type { OperatorDesk } from '../../../supervisor/operator-desk.js'
import type { SteeringDesk } from '../../../supervisor/steering-desk.js'

const never = async () => {
  throw new Error('nothing is ordered in this test')
}

/** Desks of a cluster of which nothing is known, for pages that are about what the channel says. */
export const QUIET_OPERATOR: OperatorDesk = {
  find: async () => ({ items: [], next: null, looked: 0 }),
  count: async () => ({ items: 0, isWhole: true }),
  history: async () => [],
  act: never,
  runNow: never,
  events: async () => ({ events: [], next: null }),
  status: never,
  loads: async () => [],
  pace: async () => [],
  schedules: async () => [],
  chores: async () => [],
}

export const QUIET_DESK: SteeringDesk = {
  setRollout: never,
  setConcurrency: never,
  setPace: never,
  pause: never,
  resume: never,
  rollouts: async () => [],
  why: async () => [],
}
