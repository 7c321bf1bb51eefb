import { expect } from 'chai'
import type { LinkExit } from '../../../supervisor/transport.js'
import type { Deceased } from '../../../supervisor/worker-death.js'
import { deathReason, hasEndedAsAsked } from '../../../supervisor/worker-death.js'

function deceased(fields: Partial<Deceased> = {}, kind: 'process' | 'thread' = 'process') {
  return {
    identity: { workerId: 'flow-1', kind },
    link: { pid: 42 },
    state: 'ready',
    isExpectedToEnd: false,
    killReason: null,
    ...fields,
  } as const satisfies Deceased
}

const exit = (fields: Partial<LinkExit>): LinkExit => {
  return { exitCode: null, signal: null, message: null, ...fields }
}

const CASES: readonly (readonly [
  title: string,
  worker: Deceased,
  exit: LinkExit,
  words: string,
])[] = [
  [
    'an exit of its own',
    deceased(),
    exit({ exitCode: 7 }),
    'worker flow-1 (pid 42) exited with code 7',
  ],
  [
    'a kill that was not ours',
    deceased(),
    exit({ signal: 'SIGKILL' }),
    'worker flow-1 (pid 42) died of SIGKILL, which its supervisor did not send: ' +
      'a person did, or the system because memory ran out',
  ],
  [
    'a full heap',
    deceased(),
    exit({ signal: 'SIGABRT' }),
    'worker flow-1 (pid 42) died of SIGABRT, as Node ends when its heap is full, see --heap',
  ],
  [
    'a full heap as a container tells it',
    deceased(),
    exit({ exitCode: 134 }),
    'worker flow-1 (pid 42) exited with code 134, as Node ends when its heap is full, see --heap',
  ],
  [
    'a fault of its code',
    deceased(),
    exit({ signal: 'SIGSEGV' }),
    'worker flow-1 (pid 42) died of SIGSEGV',
  ],
  [
    'silence',
    deceased({ killReason: 'gave no answer for 10 s', state: 'killed' }),
    exit({ signal: 'SIGKILL' }),
    'worker flow-1 (pid 42) was killed: it gave no answer for 10 s',
  ],
  [
    'a crash after it was asked to end',
    deceased({ state: 'draining', isExpectedToEnd: true }),
    exit({ exitCode: 1 }),
    'worker flow-1 (pid 42), asked to end, exited with code 1',
  ],
  [
    'a thread that left',
    deceased({}, 'thread'),
    exit({ exitCode: 7 }),
    'worker flow-1 (a thread of pid 42) exited with code 7',
  ],
  [
    'a thread whose heap is full',
    deceased({}, 'thread'),
    exit({ exitCode: 1, message: 'Worker terminated due to reaching memory limit' }),
    'worker flow-1 (a thread of pid 42) died: Worker terminated due to reaching memory limit',
  ],
  [
    'a process that could not be made',
    deceased({ link: { pid: 0 }, state: 'starting' }),
    exit({ message: 'spawn EAGAIN' }),
    'worker flow-1 (pid 0) did not start: spawn EAGAIN',
  ],
]

describe('the words for a dead worker', () => {
  for (const [title, worker, how, words] of CASES) {
    it(`name ${title}`, () => {
      expect(deathReason(worker, how)).to.equal(words)
    })
  }

  it('call an end expected only when it was asked for and came as asked', () => {
    const asked = deceased({ isExpectedToEnd: true, state: 'draining' })
    expect(hasEndedAsAsked(asked, exit({ exitCode: 0 }))).to.equal(true)
    expect(hasEndedAsAsked(asked, exit({ exitCode: 1 }))).to.equal(false)
    expect(hasEndedAsAsked(asked, exit({ signal: 'SIGKILL' }))).to.equal(false)
    expect(hasEndedAsAsked({ ...asked, killReason: 'hung' }, exit({ exitCode: 0 }))).to.equal(false)
    expect(hasEndedAsAsked({ ...asked, state: 'killed' }, exit({ signal: 'SIGKILL' }))).to.equal(
      true,
    )
    expect(hasEndedAsAsked(deceased(), exit({ exitCode: 0 }))).to.equal(false)
  })
})
