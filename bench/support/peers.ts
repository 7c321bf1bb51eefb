// The queues of others, in a package of their own below bench/peers: the product never installs it.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { say } from './report.js'

const PEERS = fileURLToPath(new URL('../../../bench/peers/', import.meta.url))
/** The peers need a newer Node than Fetchyard does. */
const PEER_NODE = 'node@24'

/** Path of a program of the peers. */
export function peerProgram(name: string): string {
  return join(PEERS, `${name}.mjs`)
}

/** Installs what the lockfile says, unless it is there. */
export function installPeers(): void {
  const installed = join(PEERS, 'node_modules', '.package-lock.json')
  const isFresh =
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(PEERS, 'package-lock.json')).mtimeMs
  if (isFresh) return
  say(`Installing the peers in ${PEERS}`)
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', options, { cwd: PEERS, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** The Node that the peers run with: this one when it is new enough. */
export function findPeerNode(): { readonly path: string; readonly version: string } {
  if (Number.parseInt(process.versions.node, 10) >= 24) {
    return { path: process.execPath, version: process.version }
  }
  const script = 'process.execPath + "\\n" + process.version'
  const said = execFileSync('npx', ['-y', PEER_NODE, '-p', script], { encoding: 'utf8' })
  const [path = '', version = ''] = said.trim().split('\n')
  return { path, version }
}

/** Version of an installed peer. */
export function peerVersion(name: string): string {
  const text = readFileSync(join(PEERS, 'node_modules', name, 'package.json'), 'utf8')
  const found: unknown = JSON.parse(text)
  const isNamed = typeof found === 'object' && found !== null && 'version' in found
  return isNamed ? String(found.version) : 'unknown'
}
