// A process of its own that uses an embedded database, for tests that kill it.
//
// Arguments: the options of startEmbedded as JSON. It prints one JSON object a line: 'progress',
// then 'ready' or 'failed'; a line on its standard input makes it stop and print 'stopped'.

import { createInterface } from 'node:readline'
import { hasCode, messageOf } from '../../src/core/errors.js'
import { startEmbedded } from '../../supervisor/embedded/index.js'

function say(message: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

const options = JSON.parse(process.argv[2] ?? '{}')
try {
  const database = await startEmbedded({
    ...options,
    onProgress: (words: string) => say({ event: 'progress', words }),
  })
  const { connection, url, pgDir, adopted } = database
  say({ event: 'ready', connection, url, pgDir, adopted })
  const lines = createInterface({ input: process.stdin })
  for await (const _line of lines) break
  await database.stop()
  say({ event: 'stopped' })
  process.exit(0)
} catch (error) {
  const isExpected = hasCode(error, 'DATA_DIRECTORY') || hasCode(error, 'EMBEDDED_UNSUPPORTED')
  const code = error instanceof Error && 'code' in error ? error.code : null
  say({ event: 'failed', code, isExpected, message: messageOf(error) })
  process.exit(1)
}
