// What a demo remembers between two starts, so that a killed one is continued: the port of its site
// and the run it was at.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../write-whole.js'

export interface DemoMemory {
  readonly port: number
  readonly sites: number
  readonly run: string
}

const FILE = 'demo.json'

/** What was remembered; null when nothing was, or nothing that makes sense. */
export async function readDemoMemory(dataDir: string): Promise<DemoMemory | null> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => '')
  return parseDemoMemory(text)
}

export function parseDemoMemory(text: string): DemoMemory | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if (!('port' in value && 'sites' in value && 'run' in value)) return null
  const { port, sites, run } = value
  if (typeof port !== 'number' || typeof sites !== 'number' || typeof run !== 'string') return null
  return { port, sites, run }
}

export async function writeDemoMemory(dataDir: string, memory: DemoMemory): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const text = `${JSON.stringify(memory)}\n`
  await writeWhole(join(dataDir, FILE), (file) => file.writeFile(text))
}
