// Saves a document and dies at a moment, as power cuts do: nothing is closed, nothing is tidied. At
// "stopped" it stands still in the middle of a file instead, alive.

import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { DocumentFiles } from '../../src/documents/document-files.js'
import { fillFrom } from '../../src/documents/fill.js'
import { pdfOf } from './document-site/pdf.js'

const [directory = '', reference = '', moment = '', bytes = '2000'] = process.argv.slice(2)
const bounds = { bytesMin: 1, bytesMax: 1_000_000 }
const body = pdfOf(reference, Number(bytes))

/** Between the draft of an entry and its name: no moment of a save, but of the disk. */
function dieNaming(how: 'link' | 'rename'): void {
  const real = fs[how]
  fs[how] = async (from, to) => {
    if (String(from).endsWith('.tmp')) process.kill(process.pid, 'SIGKILL')
    return real(from, to)
  }
  syncBuiltinESMExports()
}
if (moment === 'claiming') dieNaming('link')
if (moment === 'entering') dieNaming('rename')

const files = new DocumentFiles({
  directory,
  ...bounds,
  onMoment: (at) => {
    if (at === moment) process.kill(process.pid, 'SIGKILL')
  },
})

async function* pieces() {
  yield body.subarray(0, 500)
  if (moment === 'filling') process.kill(process.pid, 'SIGKILL')
  if (moment === 'stopped') process.kill(process.pid, 'SIGSTOP')
  yield body.subarray(500)
}

await files.save(reference, {
  resumes: false,
  fill: async (part) => {
    await fillFrom(part, pieces(), bounds)
    return { url: null, etag: null }
  },
})
