import { byId, element, setText, syncRows } from './dom.js'
import { count, duration, percent, rate, timeOfDay, UNKNOWN } from './format.js'

const NAME_KEY = 'fetchyard.name'
/** Orders of the buttons, in the order in which a rollout goes. */
const STEPS = [
  ['sequential', 'Sequential'],
  [10, '10 %'],
  [50, '50 %'],
  [100, '100 %'],
]
const ROWS = [
  ['Attempts ended', (own) => count(own.completed + own.failed)],
  ['A second', (own) => rate(own.perSecond)],
  ['Failed', (own) => (own.errorRate === undefined ? UNKNOWN : percent(own.errorRate))],
  ['Asked to wait', (own) => count(own.snoozed)],
  ['Lost with a worker', (own) => count(own.crashed)],
  ['Time, mean', (own) => duration(own.meanMs)],
  ['Time, p50', (own) => duration(own.p50Ms)],
  ['Time, p95', (own) => duration(own.p95Ms)],
  ['Credits', (own) => count(own.credits)],
  ['Credits a result', (own) => (own.completed > 0 ? rate(own.credits / own.completed) : UNKNOWN)],
]

/**
 * The panel that shows what is set for each workflow, both cohorts side by side, and the buttons of
 * who may give orders. Elements stay while figures change, so that the keyboard keeps its place.
 */
export function createSteering({ token }) {
  const blocks = new Map()
  const name = byId('steer-name')
  name.value = localStorage.getItem(NAME_KEY) ?? ''
  name.addEventListener('change', () => localStorage.setItem(NAME_KEY, name.value.trim()))
  const order = createOrders({ token, nameOf: () => name.value.trim() })
  return {
    draw: (rollouts, access) => {
      const mayOrder = access === 'operate'
      byId('steer-who').hidden = !mayOrder
      byId('steer-read-only').hidden = mayOrder
      const names = Object.keys(rollouts)
      byId('rollouts-empty').hidden = names.length > 0
      for (const [workflow, block] of blocks) {
        if (rollouts[workflow] !== undefined) continue
        block.root.remove()
        blocks.delete(workflow)
      }
      for (const workflow of names) {
        if (!blocks.has(workflow)) blocks.set(workflow, createBlock(workflow, order))
        drawBlock(blocks.get(workflow), rollouts[workflow], mayOrder)
      }
    },
  }
}

/** Sends orders one after the other; what became of the last one is said in words. */
function createOrders({ token, nameOf }) {
  let isUnderWay = false
  return async (workflow, verb, fields) => {
    if (isUnderWay) return
    isUnderWay = true
    say(`${workflow}: ${verb} …`, 'quiet')
    const by = nameOf()
    try {
      const answer = await fetch(new URL(`api/workflows/${workflow}/${verb}`, location.href), {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(by === '' ? fields : { ...fields, by }),
      })
      const body = await answer.json()
      if (answer.ok) say(body.words, 'good')
      else say(body.error.message, 'bad')
    } catch {
      say('The supervisor did not answer; what holds is shown below.', 'bad')
    } finally {
      isUnderWay = false
    }
  }
}

function say(words, tone) {
  byId('steer-said').dataset.tone = tone
  setText('steer-said', words)
}

function createBlock(workflow, order) {
  const root = element('article', { class: 'rollout', 'aria-label': `Rollout of ${workflow}` })
  const state = element('p', { class: 'rollout-state' })
  const since = element('p', { class: 'note' })
  const controls = element('div', { class: 'controls', role: 'group' })
  controls.setAttribute('aria-label', `Orders for ${workflow}`)
  const pause = element('button', { type: 'button' }, 'Pause')
  pause.addEventListener('click', () => order(workflow, pause.dataset.verb, {}))
  const steps = STEPS.map(([rollout, words]) => {
    const button = element('button', { type: 'button', 'aria-pressed': 'false' }, words)
    button.addEventListener('click', () => order(workflow, 'rollout', { rollout }))
    return { rollout, button }
  })
  controls.append(pause, ...steps.map(({ button }) => button))
  const { table, body, headings } = createTable()
  root.append(element('h3', {}, workflow), state, since, controls, table)
  byId('rollouts').append(root)
  return { root, state, since, controls, pause, steps, body, headings }
}

function createTable() {
  const table = element('table', { class: 'cohorts' })
  const head = element('thead')
  const line = element('tr')
  line.append(element('th', { scope: 'col' }, 'All nodes'))
  const headings = ['Concurrent', 'Sequential'].map((words) => {
    const heading = element('th', { scope: 'col', class: 'number' }, words)
    line.append(heading)
    return { heading, words }
  })
  head.append(line)
  const body = element('tbody')
  table.append(head, body)
  return { table, body, headings }
}

function drawBlock(block, own, mayOrder) {
  const isPaused = own.pausedBy.length > 0
  const isSequential = own.mode === 'sequential'
  const items = own.concurrency === undefined ? '' : `, ${count(own.concurrency)} at once on a node`
  const words = isSequential
    ? 'Sequential: one item at a time in the cluster'
    : `Concurrent for ${own.rollout} % of the items${items}`
  setText(block.state, isPaused ? `Paused by ${own.pausedBy.join(', ')}. ${words}` : words)
  block.state.dataset.tone = isPaused ? 'warn' : ''
  const by =
    own.by === undefined ? 'as installed' : `since ${timeOfDay(own.sinceAtMs)}, by ${own.by}`
  setText(block.since, `${count(own.nodes)} ${own.nodes === 1 ? 'node' : 'nodes'} · ${by}`)
  block.controls.hidden = !mayOrder
  block.pause.dataset.verb = isPaused ? 'resume' : 'pause'
  setText(block.pause, isPaused ? 'Resume' : 'Pause')
  const now = isSequential ? 'sequential' : own.rollout
  for (const { rollout, button } of block.steps) {
    button.setAttribute('aria-pressed', String(rollout === now))
  }
  drawCohorts(block, own, isSequential ? 0 : own.rollout)
}

function drawCohorts({ body, headings }, own, share) {
  const cohorts = [own.concurrent, own.sequential]
  for (const [index, { heading, words }] of headings.entries()) {
    const step = cohorts[index]?.step
    setText(heading, step === undefined || step === own.step ? words : `${words} (step ${step})`)
  }
  const rows = ROWS.map(([label, read]) => ({
    key: label,
    cells: [label, ...cohorts.map((cohort) => (cohort === undefined ? UNKNOWN : read(cohort)))],
  }))
  const shares = { key: 'share', cells: ['Share of the items', `${share} %`, `${100 - share} %`] }
  syncRows(body, [shares, ...rows], new Set([1, 2]))
}
