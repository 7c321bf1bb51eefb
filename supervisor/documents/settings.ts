// From settings, as people give them, to what the workflow that saves documents needs.

import type { Settings } from '../../config/settings.js'
import type { DocumentOptions } from '../../src/core/document-options.js'
import { findBrowser } from './find-browser.js'

const MEGABYTE = 1_048_576

export const DOCUMENTS = 'documents'

/**
 * The settings that a workflow is really worked with. Through a browser, as many documents are
 * under way as there are contexts, in processes; nobody asks a robots.txt, since the user of the
 * account is who visits. With turns fixed before the start, a context is a lane, with one document
 * at a time.
 */
export function settingsFor(workflow: string, settings: Settings): Settings {
  if (workflow !== DOCUMENTS || settings.siteModule === null) return settings
  const { contexts } = settings
  return {
    ...settings,
    concurrency: contexts,
    concurrencyStart: contexts,
    executor: 'process',
    processes: Math.min(settings.processes, contexts),
    robots: 'ignore',
    upstream: 'direct',
    ...(settings.assign === 'round-robin' ? { hostConcurrency: 1, processes: 1 } : {}),
  }
}

/** What workers of the workflow are told; nothing for all other workflows. */
export function documentOptionsOf(
  workflow: string,
  settings: Settings,
): { readonly documents?: DocumentOptions } {
  if (workflow !== DOCUMENTS) return {}
  const { contexts, processes, siteModule } = settings
  return {
    documents: {
      directory: settings.documentDirectory,
      siteModule,
      browserPath: siteModule === null ? null : findBrowser(settings.browserPath),
      user: settings.siteUser,
      password: settings.sitePassword,
      contexts: Math.ceil(contexts / processes),
      contextPages: settings.contextPages,
      contextAgeMs: settings.contextAgeMs,
      browserBytesMax: settings.browserMb * MEGABYTE,
      stepTimeoutMs: settings.stepTimeoutMs,
      isHeadless: settings.headless,
      blockedTypes: settings.blockTypes,
      blockedPatterns: settings.blockPatterns,
      bytesMin: settings.documentBytesMin,
      bytesMax: settings.documentMb * MEGABYTE,
      keepsFailurePages: settings.failurePages,
      allowedRanges: settings.allowRanges,
      ports: settings.ports,
    },
  }
}
