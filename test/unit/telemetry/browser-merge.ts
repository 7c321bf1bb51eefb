import type { LivePatch, LiveState } from '../../../src/telemetry/merge-patch.js'

// The page's own copy, as it is shipped. It is JavaScript without types and is loaded by URL.
const page: { applyPatch: (state: LiveState, patch: LivePatch) => LiveState } = await import(
  new URL('../../../supervisor/web/public/merge.js', import.meta.url).href
)

export const { applyPatch } = page
