import { stat } from 'node:fs/promises'
import { readIfThere } from './files.js'
import { unsupported } from './platform.js'
import { type Account, runProgram } from './program.js'

/** Accounts that exist on nearly every system, in order of preference. None is ever created. */
const PREFERRED = ['postgres', 'nobody'] as const

/**
 * Chooses who runs Postgres: ourselves, or an unprivileged account when we are root, because
 * Postgres refuses root. Data that is there already stays with its owner.
 *
 * @param pgDir the directory with the server's files, if there is one.
 * @returns `null` for ourselves.
 * @throws {FetchyardError} EMBEDDED_UNSUPPORTED when we are root and no account can be used.
 */
export async function chooseAccount(pgDir: string | null): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const owner = pgDir === null ? null : await ownerOf(pgDir)
  const candidates = owner === null ? await preferredAccounts() : [owner]
  const reasons: string[] = []
  for (const account of candidates) {
    const test = await runProgram({ file: '/bin/sh', args: ['-c', ':'], account })
    if (test.code === 0) return account
    reasons.push(`${account.name}: ${test.stderr.trim() || `code ${test.code}`}`)
  }
  const tried = reasons.length === 0 ? 'there is none named postgres or nobody' : reasons.join('; ')
  throw unsupported(
    `Postgres refuses to run as root, and no other account can be used (${tried}). ` +
      'Run as an ordinary user (in Docker: USER node), or set DATABASE_URL.',
  )
}

/** The account of one line of a passwd file, or `null` when it is not there or is root. */
export function findInPasswd(passwd: string, name: string): Account | null {
  for (const line of passwd.split('\n')) {
    const [found, , uid, gid] = line.split(':')
    if (found !== name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) continue
    if (Number(uid) > 0) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return null
}

async function preferredAccounts(): Promise<readonly Account[]> {
  const passwd = (await readIfThere('/etc/passwd')) ?? ''
  const accounts: Account[] = []
  for (const name of PREFERRED) {
    const account = findInPasswd(passwd, name) ?? (await askDirectory(name))
    if (account !== null) accounts.push(account)
  }
  return accounts
}

/** Accounts may live in a directory service that only `getent` reads. */
async function askDirectory(name: string): Promise<Account | null> {
  const program = { file: 'getent', args: ['passwd', name], account: null }
  const { code, stdout } = await runProgram(program)
  return code === 0 ? findInPasswd(stdout, name) : null
}

async function ownerOf(path: string): Promise<Account | null> {
  const found = await stat(path).catch(() => null)
  if (found === null || found.uid === 0) return null
  return { name: `uid ${found.uid}`, uid: found.uid, gid: found.gid }
}
