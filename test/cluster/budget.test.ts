// The hard budget: real supervisors are killed in the middle of a run and started again, and an API
// that keeps its own count of calls and credits says what was billed. It is the referee.

import { randomInt } from 'node:crypto'
import { expect } from 'chai'
import { after, afterEach, describe, it } from 'mocha'
import { audit } from '../../src/store/audit.js'
import type { Spent } from '../../src/store/money.js'
import { readSpent, setBudgets } from '../../src/store/money.js'
import { cancelItems } from '../../src/store/operate.js'
import { findWorkflow } from '../../src/store/workflows.js'
import type { Program } from '../cli/program.js'
import { eventually } from '../support/poll.js'
import { readStatuses, useProxyRun } from '../support/proxy-run.js'

const SEED = Number(process.env.FETCHYARD_SEED ?? randomInt(1, 2 ** 31))
const PAGES = 160
const SLOTS = 5
/** 70 s become 1.4 s; pages that fail are asked for again. */
const BAD_DAY = { timeScale: 0.02, seed: SEED, limit: 50, faults: { failPerMille: 30 } }

const urlsOf = (shop: string, count = PAGES) =>
  Array.from({ length: count }, (_, index) => {
    return `https://${shop}${index}-yard.com/${index % 10 === 0 ? 'missing' : ''}`
  })

const creditsOf = (spent: readonly Spent[]) =>
  spent.reduce((total, { credits }) => total + credits, 0)

describe(`the hard budget (FETCHYARD_SEED=${SEED})`, () => {
  const run = useProxyRun()
  const programs: Program[] = []
  const sql = () => run.database.sql

  const kill = async (program: Program) => {
    program.child.kill('SIGKILL')
    await program.ended
  }
  const killAll = () => Promise.all(programs.splice(0).map(kill))
  afterEach(killAll)
  after(killAll)

  const start = (...words: readonly string[]) => {
    const habits = [
      ...['--concurrency', `${SLOTS}`, '--port', 'off'],
      ...['--heartbeat', '1s', '--lease', '5s', '--sweep', '1s'],
    ]
    const program = run.command([...words, ...run.upstream(), ...habits])
    programs.push(program)
    return program
  }
  const up = () => start('up', 'contacts')
  const spent = async () => {
    const workflow = await findWorkflow(sql(), 'contacts')
    const { workflowId = 0 } = workflow ?? {}
    return readSpent(sql(), { workflowId, since: 'ever' })
  }
  const told = async (...words: readonly string[]) => {
    const ended = await run.command([...words, '--json']).ended
    expect(ended.exitCode, ended.stderr).to.equal(0)
    return JSON.parse(ended.stdout)
  }
  /** Takes the budget away, and what it left undone. */
  const forget = async () => {
    const { workflowId = 0 } = (await findWorkflow(sql(), 'contacts')) ?? {}
    await setBudgets(sql(), { workflowId, total: { credits: null } })
    await cancelItems(sql(), { workflowId, binding: null, keys: null, reason: 'a test' })
  }
  const untilCalls = (count: number) =>
    eventually({ words: `${count} calls`, seen: () => run.api.counts() }, () => {
      const { ended, inFlight } = run.api.counts()
      return ended >= count && inFlight > 0
    })
  /** What the API has billed beside what the ledger says: never more, and known to the credit. */
  const held = async (before: readonly Spent[] = []) => {
    await run.api.settled()
    const billed = run.api.counts().credits
    return { billed, booked: creditsOf(await spent()) - creditsOf(before) }
  }

  it('of a run holds through kill -9 of both nodes, says so, and can be raised', async () => {
    await run.open(BAD_DAY)
    await run.write('pages.txt', urlsOf('run'))
    const budget = 70
    const words = ['run', 'contacts', '--input', 'pages.txt', '--json', '--budget']
    const first = start(...words, `${budget}`)
    const other = up()
    await untilCalls(12)
    await kill(first)
    const second = start(...words, `${budget}`)
    await untilCalls(24)
    await kill(other)
    up()
    await untilCalls(34)
    await kill(second)
    const third = start(...words, `${budget}`)
    const ended = await third.ended

    expect(ended.exitCode, ended.stderr).to.equal(75)
    expect(ended.stderr).to.contain('The budget is spent')
    const [verdict] = (await told('why')).verdicts
    expect(verdict).to.include({ workflow: 'contacts', binding: 'budget' })
    const { billed, booked } = await held()
    expect(booked, 'what is booked covers what was billed').to.be.at.least(billed)
    expect(booked, 'what is booked keeps to the budget').to.be.at.most(budget)
    expect(billed, 'the budget is used').to.be.above(budget / 2)
    const lost = (await spent()).find(({ kind }) => kind === 'crashed')
    expect(lost?.unsure, 'three nodes were lost with calls in hand').to.be.within(3, 6 * SLOTS)

    const raised = await start(...words, '1000').ended
    expect(raised.exitCode, raised.stderr).to.equal(0)
    expect(JSON.parse(raised.stdout)).to.include({ items: PAGES, lost: 0, appliedTwice: 0 })
    const end = await held()
    expect(end.booked).to.be.at.least(end.billed)
    expect(await audit(sql())).to.include({ isClean: true })
  })

  it('of a day holds for nodes that come and go, and goes on when it is raised', async () => {
    await run.open(BAD_DAY)
    const before = await spent()
    const { workflowId = 0 } = (await findWorkflow(sql(), 'contacts')) ?? {}
    await setBudgets(sql(), { workflowId, total: { credits: null } })
    await run.write('day.txt', urlsOf('day', 80))
    await told('set', 'contacts', `budget-day=${creditsOf(before) + 40}`)
    const fed = await run.command(['enqueue', 'contacts', 'day.txt']).ended
    expect(fed.exitCode, fed.stderr).to.equal(0)
    const nodes = [up(), up()]
    await untilCalls(12)
    await Promise.all(nodes.map(kill))
    up()
    up()
    await eventually({ words: 'a spent budget' }, async () => {
      const [verdict] = (await told('why')).verdicts
      return verdict.binding === 'budget'
    })
    await eventually({ words: 'the last call' }, () => run.api.counts().inFlight === 0)
    const spentUp = await held(before)
    expect(spentUp.booked).to.be.at.least(spentUp.billed).and.at.most(40)
    const left = await readStatuses(sql(), 'https://day')
    expect(left.Complete, 'more than the budget pays for').to.be.at.most(40)

    await told('set', 'contacts', 'budget-day=off')
    await eventually({ words: 'the end', seen: () => run.api.counts() }, async () => {
      const { Complete = 0, Error: failed = 0 } = await readStatuses(sql(), 'https://day')
      return Complete + failed === 80
    })
    const end = await held(before)
    expect(end.booked).to.be.at.least(end.billed)
    expect(await audit(sql())).to.include({ isClean: true })
  })

  it('holds for sites that are dearer than others, from the first call on', async () => {
    await run.open(BAD_DAY)
    const before = await spent()
    const urls = Array.from({ length: 30 }, (_, n) => `https://www.google.com/search?q=yard${n}`)
    await run.write('dear.txt', urls)
    const ended = await start('run', 'contacts', '--input', 'dear.txt', '--budget', '60').ended

    expect(ended.exitCode, ended.stderr).to.equal(75)
    const { billed, booked } = await held(before)
    expect(billed, 'two calls of 25').to.equal(50)
    expect(booked).to.equal(50)
    await forget()
  })

  // Nobody is told before the call that the site has a bot wall.
  it('is passed by no more than the slots in flight when calls are dearer than anybody knew', async () => {
    await run.open(BAD_DAY)
    const before = await spent()
    await run.write('walled.txt', urlsOf('walled', 60))
    const ended = await start('run', 'contacts', '--input', 'walled.txt', '--budget', '50').ended

    expect(ended.exitCode, ended.stderr).to.equal(75)
    const { billed, booked } = await held(before)
    expect(booked).to.equal(billed)
    // A quarter of the slots is reserved ahead.
    const inFlight = SLOTS + Math.ceil(SLOTS / 4)
    expect(billed, 'every further call is reserved at what it costs').to.be.at.most(11 * inFlight)
    await forget()
  })

  // The API goes on with a call whose caller hangs up, and bills it.
  it('knows of calls that were given up: by a timeout, and at the end of a drain', async () => {
    await run.open({ ...BAD_DAY, timeScale: 0.1 })
    const before = await spent()
    await run.write('slow.txt', urlsOf('slow', 60))
    const words = ['run', 'contacts', '--input', 'slow.txt', '--json', '--attempts', '5']
    const hasty = ['--total-timeout', '800ms', '--drain', '100ms']
    const stopped = start(...words, ...hasty)
    await untilCalls(15)
    stopped.child.kill('SIGTERM')
    expect((await stopped.ended).exitCode).to.equal(75)
    const ended = await start(...words, ...hasty).ended

    expect(ended.exitCode, ended.stderr).to.equal(0)
    await run.api.settled()
    const { hungUpCredits } = run.api.counts()
    expect(hungUpCredits, 'calls that were billed and given up').to.be.above(0)
    const { billed, booked } = await held(before)
    expect(booked).to.be.at.least(billed)
    const unsure = (rows: readonly Spent[]) => rows.reduce((sum, row) => sum + row.unsure, 0)
    expect(unsure(await spent()) - unsure(before)).to.be.at.least(hungUpCredits)
    expect(booked - billed, 'the bound is no guess into the blue').to.be.at.most(60)
  })
})
