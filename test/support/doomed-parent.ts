// A supervisor's stand-in that is going to be killed: it starts a worker, gives it one item and says so.
// Usage: node doomed-parent.js <worker entry> <setup as JSON> <dispatch as JSON>

import { fork } from 'node:child_process'

const [, , entry = '', setup = '', dispatch = ''] = process.argv
const worker = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })

worker.on('message', (message: { readonly type: string }) => {
  if (message.type === 'hello') worker.send(JSON.parse(setup))
  if (message.type !== 'ready') return
  worker.send(JSON.parse(dispatch), () => process.send?.({ workerPid: worker.pid }))
})
