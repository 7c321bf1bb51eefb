// What a page looked like when its document failed. It is somebody else's page: whatever stands in
// it leaves here as a picture or as plain text, and for a program that asks with the token.

import type { IncomingMessage } from 'node:http'
import type { FailurePart, KeptFailure } from '../../src/documents/kept-failures.js'
import type { Answer } from './answer.js'
import { type PostDoor, refused } from './post-door.js'
import { readFailurePage, readFields, wordsOfWrong } from './question.js'

/** Where a workflow's pages of failures are kept on this machine. */
export interface FailureShelf {
  readonly list: (reference: string) => Promise<readonly KeptFailure[]>
  readonly read: (
    reference: string,
    of: { readonly attempt: number; readonly part: FailurePart },
  ) => Promise<Buffer | null>
}

export type FailureShelves = ReadonlyMap<string, FailureShelf>

const PATH = '/api/items/failure-page'

const TYPES: { readonly [part in FailurePart]: string } = {
  picture: 'image/png',
  html: 'text/plain; charset=utf-8',
}

/** Nothing of it runs and nothing is fetched for it, whoever shows it in whatever way. */
const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Content-Disposition': 'attachment',
}

export class FailurePageDoor {
  readonly #shelves: FailureShelves
  readonly #door: PostDoor

  constructor(shelves: FailureShelves, door: PostDoor) {
    this.#shelves = shelves
    this.#door = door
  }

  /** @returns null when this is not its path. */
  async answer(request: IncomingMessage, path: string): Promise<Answer | null> {
    if (path !== PATH) return null
    const carry = (body: string) => this.#carry(body)
    return this.#door.pass(request, { needs: 'read', nobody: null, mayBe: '', carry })
  }

  async #carry(body: string): Promise<Answer> {
    try {
      const { workflow, key, attempt, part } = readFailurePage(readFields(body))
      const found = await this.#shelves.get(workflow)?.read(key, { attempt, part })
      if (found === undefined || found === null) {
        return refused(404, 'Nothing of that attempt is kept on this machine')
      }
      return { status: 200, contentType: TYPES[part], body: found, headers: HEADERS }
    } catch (error) {
      const wrong = wordsOfWrong(error)
      if (wrong === null) throw error
      return refused(400, wrong)
    }
  }
}
