#!/usr/bin/env node
// Copies what the compiler leaves behind (SQL, pages) beside the compiled modules that read it.
// Usage: node scripts/copy-assets.mjs [outDir]
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = process.argv[2] ?? 'dist'
const ASSETS = ['src/store/migrations', 'src/store/schema.sql', 'supervisor/web/public']

for (const asset of ASSETS) {
  // A migration that was renamed must not be applied under its old name as well.
  rmSync(join(root, out, asset), { recursive: true, force: true })
  cpSync(join(root, asset), join(root, out, asset), { recursive: true })
}
