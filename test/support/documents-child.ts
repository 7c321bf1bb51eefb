// A process with a browser and a document under way, for a test to kill.

import { startWorkerPart } from './document-site/worker-part.js'

const [origin = '', reference = ''] = process.argv.slice(2)
const part = await startWorkerPart(origin, { stepTimeoutMs: 60_000 })
await part.save(reference)
