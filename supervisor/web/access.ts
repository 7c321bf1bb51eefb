// Who may do what. One token reads; a second one, when it is set, is needed to give orders, so that
// what scrapes metrics or hangs on a wall cannot change the cluster.

import { isSameToken } from './token.js'

export interface Tokens {
  /** Reads, and gives orders as well while there is no other for that. */
  readonly token: string
  /** Reads and gives orders. null: there is one token for all. */
  readonly operatorToken: string | null
}

export type Access = 'operate' | 'read'

/** @returns null for a token that opens nothing. Both are always compared, whichever fits. */
export function accessOf(given: string, { token, operatorToken }: Tokens): Access | null {
  const isReader = isSameToken(given, token)
  const isOperator = isSameToken(given, operatorToken ?? token)
  if (isOperator) return 'operate'
  return isReader ? 'read' : null
}
