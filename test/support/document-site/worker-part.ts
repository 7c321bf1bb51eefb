// One worker's part of saving documents, without a queue around it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DocumentOptions } from '../../../src/core/document-options.js'
import type { ResultRow } from '../../../src/core/outcome.js'
import { DocumentWork } from '../../../src/documents/work.js'
import { createFetcher } from '../../../src/fetch/fetcher.js'
import { FETCH_OPTIONS } from '../../unit/fetch/support.js'
import { CHAIN } from '../chain.js'
import { PASSWORD, USER } from './site.js'
import { writeSiteModule } from './site-file.js'

export const CHROMIUM = '/usr/bin/chromium'

const OPTIONS: DocumentOptions = {
  directory: '',
  siteModule: null,
  browserPath: CHROMIUM,
  user: USER,
  password: PASSWORD,
  contexts: 2,
  contextPages: 100,
  contextAgeMs: 600_000,
  browserBytesMax: 8 * 1_024 ** 3,
  stepTimeoutMs: 10_000,
  isHeadless: true,
  blockedTypes: [],
  blockedPatterns: [],
  bytesMin: 1,
  bytesMax: 1_000_000,
  keepsFailurePages: false,
  allowedRanges: ['127.0.0.0/8'],
  ports: [],
}

export interface WorkerPart {
  /** Where documents are saved. */
  readonly directory: string
  readonly save: (reference: string, assigned?: number) => Promise<ResultRow>
  /** Ends the browser and removes everything. */
  readonly close: () => Promise<void>
}

export async function startWorkerPart(
  origin: string,
  options: Partial<DocumentOptions> = {},
  moduleText?: string,
): Promise<WorkerPart> {
  const home = await mkdtemp(join(tmpdir(), 'fetchyard-documents-'))
  const siteModule = join(home, 'site.mjs')
  if (moduleText === undefined) await writeSiteModule(siteModule, origin)
  else await writeFile(siteModule, moduleText)
  const directory = join(home, 'out')
  const work = new DocumentWork({ ...OPTIONS, siteModule, directory, ...options })
  const fetcher = createFetcher({ ...FETCH_OPTIONS, allowedRanges: ['127.0.0.0/8'] })
  const context = {
    abortSignal: new AbortController().signal,
    attempt: 1,
    leaseId: '1',
    fetchPage: fetcher.fetchPage,
    streamPage: fetcher.streamPage,
    chain: CHAIN,
    log: () => {},
  }
  return {
    directory,
    save: (reference, assigned) =>
      work.save({ reference, url: null, assigned: assigned ?? null }, context),
    close: async () => {
      await work.close()
      await fetcher.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}
