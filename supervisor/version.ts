import { createRequire } from 'node:module'

function readVersion(): string {
  const require = createRequire(import.meta.url)
  // Beside `dist` in the package, and beside the sources in a checkout.
  for (const path of ['../../package.json', '../package.json', '../../../package.json']) {
    try {
      const found: unknown = require(path)
      if (typeof found !== 'object' || found === null) continue
      if (!('name' in found) || found.name !== 'fetchyard' || !('version' in found)) continue
      return String(found.version)
    } catch {
      // Not at this depth.
    }
  }
  return 'unknown'
}

/** The product's version, from its package. */
export const version = readVersion()
