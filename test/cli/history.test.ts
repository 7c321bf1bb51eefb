import { expect } from 'chai'
import { childrenOf } from '../support/cluster-child.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { runProgram, startProgram, useDirectory, useSite } from './program.js'

const HABITS = ['--allow-ranges', 'loopback', '--port', 'off']

describe('cli: history, and the words of a fenced node', () => {
  const database = useDatabase()
  const directory = useDirectory()
  const site = useSite()
  const options = () => ({ cwd: directory.path, environment: { DATABASE_URL: database.url } })

  it('shows who died with an item and how, for people and for programs', async () => {
    const url = `${site.origin}/lost?name=ü&odd='`
    site.hold()
    const run = startProgram(['run', 'contacts', '--input', '-', ...HABITS], {
      ...options(),
      input: `${url}\n`,
    })
    await site.arrived(1, '/lost')
    const [worker] = await eventually({ words: 'the worker process' }, async () => {
      const pids = await childrenOf(run.child.pid ?? 0)
      return pids.length > 0 ? pids : null
    })
    process.kill(worker ?? 0, 'SIGKILL')
    await site.arrived(2, '/lost')
    site.release()
    expect((await run.ended).exitCode).to.equal(0)

    const [row] = await database.sql<{ key: string }[]>`select item_key as key from fetchyard.item`
    const key = row?.key ?? ''
    const words = await runProgram(['history', 'contacts', key], options())
    const json = await runProgram(['history', 'contacts', key, '--json'], options())

    expect(words.exitCode, words.stderr).to.equal(0)
    const lines = words.stdout.split('\n')
    expect(lines[0]).to.equal(`${key} of contacts`)
    expect(lines[2]).to.match(/^round 1, enqueued \S+Z: Complete, attempts charged 1$/)
    expect(words.stdout).to.match(/ 1 {2}reclaimed {2}worker_lost +- +- +\d+ {2}.* \(pid \d+ on /)
    expect(words.stdout).to.contain(
      `worker contacts-1 (pid ${worker}) died of SIGKILL, which its supervisor did not send: `,
    )
    expect(words.stdout).to.match(/ 1 {2}success +ok +200 /)
    const document: unknown = JSON.parse(json.stdout)
    expect(document).to.include({ schema: 1, workflow: 'contacts', key })
    expect(document).to.have.nested.property('rounds[0].attempts[0].node.pid', run.child.pid)
    expect(document).to.have.nested.property('rounds[0].attempts[1].httpStatus', 200)
  })

  it('knows keys that look like flags, and says what a wrong one may have meant', async () => {
    const odd = ['-odd', "it's; drop table", ' spaced ', '\u001b[31mred', 'https://a.example/shop']
    await database.sql`
      select fetchyard.enqueue_items((select workflow_id from fetchyard.workflow),
        ${odd}::text[], array_fill('{}'::jsonb, array[5]), array_fill(''::text, array[5]),
        array_fill(0::smallint, array[5]))`
    for (const key of odd) {
      const ended = await runProgram(['history', 'contacts', '--', key], options())
      expect(ended.exitCode, ended.stderr).to.equal(0)
      expect(ended.stdout).to.contain('Queued, attempts charged 0\nNo attempt has ended yet.')
      expect(ended.stdout, 'no control character reaches the terminal').to.not.contain('\u001b')
    }
    const wrong = await runProgram(['history', 'contacts', 'https://a.example/shpo'], options())
    const far = await runProgram(['history', 'contacts', 'zzzzzzzz'], options())

    expect(wrong.exitCode).to.equal(2)
    expect(wrong.stderr).to.contain('has no item `https://a.example/shpo`. Did you mean `https:')
    expect(far.exitCode).to.equal(2)
    expect(far.stderr).to.match(/has no item `zzzzzzzz`\. Its keys look like `/)
    expect((await runProgram(['history', 'contcats', 'x'], options())).exitCode).to.equal(2)
    expect((await runProgram(['history', 'contacts'], options())).exitCode).to.equal(2)
  })

  it('a fenced node says by whom and why, and what that means, and ends with 75', async () => {
    await database.sql`
      update fetchyard.workflow set paused_by = '{operator}'`
    const up = startProgram(['up', 'contacts', '--heartbeat', '300ms', ...HABITS], {
      ...options(),
      hasChannel: true,
    })
    await eventually({ words: 'its row' }, async () => {
      const rows = await database.sql`
        update fetchyard.node
           set fenced_at = now(), fenced_why = 'its lease ran out; fenced by other (pid 9 on there)'
         where pid = ${up.child.pid ?? 0} and fenced_at is null returning pid`
      return rows.length > 0
    })
    const ended = await up.ended

    expect(ended.exitCode, ended.stderr).to.equal(75)
    const why = 'its lease ran out; fenced by other (pid 9 on there) (fenced at '
    expect(ended.stderr).to.contain(`This node was fenced: ${why}`)
    expect(ended.stderr).to.contain(
      'Its items were given to others; nothing it still does counts. ' +
        'A process manager starts a fresh boot after exit code 75',
    )
  })
})
