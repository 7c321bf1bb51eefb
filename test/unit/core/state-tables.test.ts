// The state tables against a second opinion: rules written down from the docs, not from the tables.

import { expect } from 'chai'
import {
  nextSupervisorState,
  SUPERVISOR_EVENTS,
  SUPERVISOR_STATES,
  type SupervisorEvent,
  type SupervisorState,
} from '../../../src/core/supervisor-state.js'
import {
  WORKER_EVENTS,
  WORKER_STATES,
  WORKER_TRANSITIONS,
  type WorkerAction,
  type WorkerEvent,
  type WorkerState,
} from '../../../src/core/worker-state.js'

/** A supervisor only ever moves on; who stops twice, is fenced or late, halts. */
function expectedSupervisor(state: SupervisorState, event: SupervisorEvent): SupervisorState {
  if (state === 'stopped') return 'stopped'
  if (event === 'ended') return 'stopped'
  if (state === 'halting') return 'halting'
  if (event === 'fenced') return 'halting'
  if (event === 'ready') return state === 'starting' ? 'running' : state
  if (event === 'stop') return state === 'running' ? 'draining' : 'halting'
  return state === 'draining' ? 'halting' : state
}

describe('the supervisor’s states', () => {
  for (const state of SUPERVISOR_STATES) {
    for (const event of SUPERVISOR_EVENTS) {
      const next = expectedSupervisor(state, event)
      it(`${event} while ${state}: ${next === state ? 'stays' : next}`, () => {
        expect(nextSupervisorState(state, event)).to.equal(next)
      })
    }
  }

  it('never go back', () => {
    const order = (state: SupervisorState) => SUPERVISOR_STATES.indexOf(state)
    for (const state of SUPERVISOR_STATES) {
      for (const event of SUPERVISOR_EVENTS) {
        expect(order(nextSupervisorState(state, event))).to.be.at.least(order(state))
      }
    }
  })

  it('end from everywhere by two stops and an end', () => {
    for (const state of SUPERVISOR_STATES) {
      const twice = nextSupervisorState(nextSupervisorState(state, 'stop'), 'stop')
      expect(nextSupervisorState(twice, 'ended')).to.equal('stopped')
    }
  })
})

/** Kill on refusal, silence and halt; drain politely only who is ready; bury who has gone. */
function expectedWorker(state: WorkerState, event: WorkerEvent): [WorkerState, WorkerAction] {
  if (state === 'exited') return ['exited', 'none']
  if (event === 'exit') return ['exited', 'bury']
  if (state === 'killed') return ['killed', 'none']
  if (event === 'refused' || event === 'silent' || event === 'halt') return ['killed', 'kill']
  if (event === 'ready') return state === 'starting' ? ['ready', 'open'] : [state, 'none']
  if (state === 'starting') return ['killed', 'kill']
  return state === 'ready' ? ['draining', 'drain'] : ['draining', 'none']
}

describe('a worker’s states', () => {
  for (const state of WORKER_STATES) {
    for (const event of WORKER_EVENTS) {
      const [next, action] = expectedWorker(state, event)
      it(`${event} while ${state}: ${next === state ? 'stays' : next}, ${action}`, () => {
        expect(WORKER_TRANSITIONS[state][event]).to.deep.equal({ next, action })
      })
    }
  }

  it('open once, and never after a drain or a kill', () => {
    const opens = WORKER_STATES.filter((state) => WORKER_TRANSITIONS[state].ready.action === 'open')
    expect(opens).to.deep.equal(['starting'])
  })

  it('are buried once, from everywhere', () => {
    for (const state of WORKER_STATES) {
      const cell = WORKER_TRANSITIONS[state].exit
      expect(cell.next).to.equal('exited')
      expect(cell.action).to.equal(state === 'exited' ? 'none' : 'bury')
    }
  })
})
