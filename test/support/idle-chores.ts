// Chores of which there is never a turn to get, for stores in memory that keep everything.

import type { ChoreStore } from '../../src/store/chore-store.js'
import { LOST } from '../../src/store/chores.js'
import type { ScheduleStore } from '../../src/store/schedules.js'

export const IDLE_CHORES: ChoreStore = {
  takeTurn: async () => false,
  endTurn: async () => {},
  findOldReceipts: async () => [],
  moveEndings: async () => LOST,
  dropReceipts: async () => 'lost',
  retireItems: async () => ({ ...LOST, next: null }),
  remove: async () => LOST,
}

/** Schedules of which none is ever due. */
export const IDLE_SCHEDULES: ScheduleStore = {
  putSchedule: async () => {},
  readSchedule: async () => null,
  readNow: async () => new Date(0),
  takeTick: async () => false,
  closeInstances: async () => 0,
}
