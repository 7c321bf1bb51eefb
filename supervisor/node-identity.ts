// Who this boot is, and whether another boot on this machine still lives.

import { randomUUID } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Neighbour, NodeIdentity } from '../src/store/nodes.js'
import { isSameProcess, observeProcess } from './embedded/identity.js'

/**
 * Boot of the kernel and pid namespace. Two boots with the same word can look each other's pid up;
 * in two containers the same pid is two processes.
 */
async function machineWord(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname())
  const namespace = await readlink('/proc/self/ns/pid').catch(() => 'pid:[host]')
  return `${boot.trim()} ${namespace}`
}

/** A new identity: every boot is a new node, also when its name stays. */
export async function createNodeIdentity(name: string | null): Promise<NodeIdentity> {
  const own = await observeProcess(process.pid)
  return {
    nodeId: randomUUID(),
    name: name ?? hostname(),
    host: hostname(),
    machine: await machineWord(),
    pid: process.pid,
    pidStarted: own.born ?? '',
  }
}

/**
 * Whether the process of an earlier boot is surely gone. In doubt it lives: its lease will tell.
 */
export async function isProcessDead(neighbour: Neighbour): Promise<boolean> {
  const recorded = { pid: neighbour.pid, born: neighbour.pidStarted || null }
  return !isSameProcess(recorded, await observeProcess(neighbour.pid))
}
