// The screen of workflows: how each stands, what is set, both cohorts side by side, and the orders
// of who may give them.

import { byId, element, setText, syncRows } from './dom.js'
import { count, distance, duration, moment, percent, rate, UNKNOWN } from './format.js'

/** Orders of the buttons, in the order in which a rollout goes. */
const STEPS = [
  ['sequential', 'Sequential'],
  [10, '10 %'],
  [50, '50 %'],
  [100, '100 %'],
]
/** Figures of a cohort, in the order in which they are read. */
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

const WORKFLOW_NUMBERS = new Set([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
const CHORE_WORDS = {
  receipts: 'receipts',
  runs: 'runs',
  items: 'finished items',
  events: 'events',
  nodes: 'ended nodes',
}

/** Elements stay while figures change, so that the keyboard keeps its place. */
export function createWorkflows(orders) {
  const blocks = new Map()
  let verdicts = []
  let schedules = []
  return {
    draw: ({ workflows = {}, rollouts = {} }, access) => {
      drawTable(workflows)
      drawAccess(access)
      const names = Object.keys(rollouts)
      byId('rollouts-empty').hidden = names.length > 0
      for (const [workflow, block] of blocks) {
        if (rollouts[workflow] !== undefined) continue
        block.root.remove()
        blocks.delete(workflow)
      }
      for (const workflow of names) {
        if (!blocks.has(workflow)) blocks.set(workflow, createBlock(workflow, orders))
        const block = blocks.get(workflow)
        drawBlock(block, rollouts[workflow], access === 'operate')
        drawStanding(block, {
          verdict: verdicts.find((own) => own.workflow === workflow),
          schedule: schedules.find((own) => own.workflow === workflow),
        })
      }
    },
    setVerdicts: (read) => {
      verdicts = read
    },
    setSchedules: (read) => {
      schedules = read
    },
    drawChores,
  }
}

function drawAccess(access) {
  const mayOrder = access === 'operate'
  byId('steer-who').hidden = !mayOrder
  byId('steer-read-only').hidden = mayOrder
}

function drawTable(workflows) {
  const rows = Object.entries(workflows).map(([name, own]) => {
    const slots = own.cluster?.slots ?? own.slots
    const durations = own.cluster?.durations ?? own.durations
    return {
      key: name,
      cells: [
        { text: name, href: `#items?${new URLSearchParams({ workflow: name })}` },
        workflowState(own),
        rate(own.ratePerSecond),
        percent(own.completedRatio),
        itemsCell(name, 'Queued', own.queued),
        itemsCell(name, 'Processing', own.processing),
        itemsCell(name, 'Delayed', own.delayed),
        itemsCell(name, 'Complete', own.complete),
        { ...itemsCell(name, 'Error', own.error), tone: own.error > 0 ? 'bad' : '' },
        `${count(slots.active)} / ${count(slots.total)}`,
        duration(durations.p50Ms),
        duration(durations.p95Ms),
        duration(own.oldestQueuedMs),
        duration(own.etaMs),
      ],
    }
  })
  syncRows(byId('workflows'), rows, WORKFLOW_NUMBERS)
  byId('workflows-empty').hidden = rows.length > 0
}

/** A count that leads to its items. */
function itemsCell(workflow, state, items) {
  return { text: count(items), href: `#items?${new URLSearchParams({ workflow, state })}` }
}

function workflowState({ pausedBy, queued, processing, delayed }) {
  if (pausedBy.length > 0) return { text: `paused: ${pausedBy.join(', ')}`, tone: 'warn' }
  if (processing > 0 || queued > 0) return { text: 'running', tone: 'good' }
  return delayed > 0 ? { text: 'waiting', tone: 'good' } : { text: 'idle', tone: 'quiet' }
}

function drawChores(chores) {
  const rows = chores.map((chore) => ({
    key: chore.chore,
    cells: [
      CHORE_WORDS[chore.chore] ?? chore.chore,
      chore.passedAt === null ? 'never' : moment(Date.parse(chore.passedAt)),
      chore.passedBy ?? UNKNOWN,
      count(chore.passedRows),
      count(chore.removed),
      choreState(chore),
    ],
  }))
  syncRows(byId('chores'), rows, new Set([3, 4]))
  byId('chores-empty').hidden = rows.length > 0
}

function choreState({ pausedWhy, worker, failedAt, failure }) {
  if (pausedWhy !== null) return { text: `paused by ${pausedWhy}`, tone: 'warn' }
  if (worker !== null) return { text: `${worker} is at it`, tone: 'good' }
  if (failedAt === null) return { text: 'at rest', tone: 'quiet' }
  return { text: `failed ${moment(Date.parse(failedAt))}`, tone: 'warn', title: failure ?? '' }
}

function createBlock(workflow, orders) {
  const root = element('article', { class: 'rollout', 'aria-label': `Rollout of ${workflow}` })
  const state = element('p', { class: 'rollout-state' })
  const since = element('p', { class: 'note' })
  const controls = element('div', { class: 'controls', role: 'group' })
  controls.setAttribute('aria-label', `Orders for ${workflow}`)
  const pause = element('button', { type: 'button' }, 'Pause')
  pause.addEventListener('click', () => orders.steer(workflow, pause.dataset.verb, {}))
  const steps = STEPS.map(([rollout, words]) => {
    const button = element('button', { type: 'button', 'aria-pressed': 'false' }, words)
    button.addEventListener('click', () => orders.steer(workflow, 'rollout', { rollout }))
    return { rollout, button }
  })
  const now = element('button', { type: 'button' }, 'Run now')
  now.addEventListener('click', () => orders.steer(workflow, 'run-now', {}))
  now.hidden = true
  controls.append(pause, ...steps.map(({ button }) => button), now)
  const limits = element('div', { class: 'controls' })
  limits.append(
    createLimit({ workflow, verb: 'concurrency', label: 'At once on a node', orders }),
    createLimit({ workflow, verb: 'rate', label: 'Items a minute', orders }),
  )
  const why = element('p', { class: 'note' })
  const schedule = element('p', { class: 'note' })
  const { table, body, headings } = createTable()
  const heading = element('h3', {}, workflow)
  root.append(heading, state, why, schedule, since, controls, limits, table)
  byId('rollouts').append(root)
  const standing = { why, schedule, now }
  return { root, state, since, controls, limits, pause, steps, body, headings, ...standing }
}

/** A number that an operator sets; none goes back to what each node is configured for. */
function createLimit({ workflow, verb, label, orders }) {
  const form = element('form', { class: 'limit' })
  const words = element('label', {}, `${label} `)
  const input = element('input', {
    ...{ type: 'number', min: '1', step: '1', inputmode: 'numeric', placeholder: 'auto' },
  })
  words.append(input)
  form.append(words, element('button', { type: 'submit' }, 'Set'))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const value = input.value === '' ? 'auto' : Number(input.value)
    if (await orders.steer(workflow, verb, { [verb]: value })) input.value = ''
  })
  return form
}

/** Why it is no faster, and when it works. */
function drawStanding(block, { verdict, schedule }) {
  setText(block.why, verdict?.words ?? '')
  block.why.title = verdict?.advice ?? ''
  block.schedule.hidden = schedule === undefined
  block.now.hidden = schedule === undefined
  if (schedule === undefined) return
  const { definition, nextAt, tickedAt, openInstances, waitingSince } = schedule
  const when =
    definition.every === undefined
      ? `${definition.cron} (${definition.timeZone ?? 'UTC'})`
      : `every ${definition.every}`
  const next =
    waitingSince === null
      ? `next ${distance(Date.parse(nextAt))}`
      : `a tick waits since ${moment(Date.parse(waitingSince))}`
  const last = tickedAt === null ? 'not yet' : moment(Date.parse(tickedAt))
  setText(
    block.schedule,
    `Works ${when}: ${next}, last ${last}, ${count(openInstances)} ` +
      `${openInstances === 1 ? 'instance' : 'instances'} open.`,
  )
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
  const by = own.by === undefined ? 'as installed' : `since ${moment(own.sinceAtMs)}, by ${own.by}`
  setText(block.since, `${count(own.nodes)} ${own.nodes === 1 ? 'node' : 'nodes'} · ${by}`)
  block.controls.hidden = !mayOrder
  block.limits.hidden = !mayOrder
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
