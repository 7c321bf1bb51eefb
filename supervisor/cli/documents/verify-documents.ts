// `documents verify`: holds every saved file against the ledger, and asks again for what is not as
// it was saved.

import type { Settings } from '../../../config/settings.js'
import { EXIT_CODES } from '../../../src/core/errors.js'
import type { Sql } from '../../../src/store/client.js'
import { askForDocuments, readLedgerPage } from '../../../src/store/documents.js'
import { DOCUMENTS } from '../../documents/settings.js'
import { type Invocation, isGiven } from '../command.js'
import { configuredWorkflow } from '../configured.js'
import { showCount } from '../progress.js'
import { databaseRequest, installWorkflow, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'
import { filesOf } from './ask.js'

const PAGE_ROWS = 500
const SPOILT_SHOWN = 20

interface Verified {
  readonly verified: number
  readonly spoilt: readonly string[]
  readonly askedAgain: number
}

export async function verifyDocuments(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const workflow = await configuredWorkflow(DOCUMENTS, invocation)
  const request = databaseRequest(invocation, { purpose: 'documents verify', exclusive: false })
  const { verified, spoilt, askedAgain } = await withDatabase(request, async ({ sql }) => {
    await installWorkflow(sql, workflow)
    const settings = { ...invocation.settings, ...workflow.overrides }
    return verifyAll(sql, { settings, cwd: invocation.cwd, mends: isGiven(invocation, 'mend') })
  })
  if (isGiven(invocation, 'json')) {
    await printJson(streams, { schema: 1, verified, spoilt, askedAgain })
  } else {
    await print(streams, `${showCount(verified)} files are as they were saved.`)
    for (const reference of spoilt.slice(0, SPOILT_SHOWN)) await print(streams, `  ${reference}`)
    await print(streams, `${showCount(spoilt.length)} are missing, shortened or altered.`)
  }
  if (spoilt.length > 0 && askedAgain === 0) say(streams, '--mend asks for them again.')
  return spoilt.length === 0 ? EXIT_CODES.ok : EXIT_CODES.problems
}

async function verifyAll(
  sql: Sql,
  how: { readonly settings: Settings; readonly cwd: string; readonly mends: boolean },
): Promise<Verified> {
  const files = filesOf(how.settings, how.cwd)
  const spoilt: string[] = []
  let verified = 0
  let askedAgain = 0
  let after = ''
  for (;;) {
    const page = await readLedgerPage(sql, { after, limit: PAGE_ROWS })
    const bad: string[] = []
    for (const { reference, sha256 } of page) {
      const found = await files.findVerified(reference)
      if (found?.sha256 === sha256) verified += 1
      else bad.push(reference)
    }
    spoilt.push(...bad)
    if (how.mends) {
      const wanted = bad.map((reference) => ({ reference, url: null, assigned: null }))
      askedAgain += await askForDocuments(sql, wanted)
    }
    const last = page.at(-1)
    if (last === undefined) return { verified, spoilt, askedAgain }
    after = last.reference
  }
}
