import { hostname, userInfo } from 'node:os'
import type { Orderer } from '../steering-desk.js'

/** Who gives an order on this command line: the account it runs under, and the machine. */
export function orderer(): Orderer {
  return { name: `${accountName()} on ${hostname()}`, via: 'from the command line' }
}

/** An account may have no name, as that of a container often has none. */
function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
