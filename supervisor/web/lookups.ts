// Questions about items and events, and orders to items. All are POST, also those that only read:
// keys are URLs, which may hold secrets, and a body is in no log of a proxy.

import type { IncomingMessage } from 'node:http'
import type { OperatorDesk } from '../operator-desk.js'
import { viaOf } from './actions.js'
import { type Answer, json } from './answer.js'
import type { FailureShelves } from './failure-page.js'
import { type Errand, PostDoor, type PostDoorOptions, refused } from './post-door.js'
import {
  type QuestionFields,
  readDeed,
  readEventQuestion,
  readFields,
  readFilter,
  readName,
  wordsOfWrong,
} from './question.js'

export interface LookupOptions extends PostDoorOptions {
  readonly operator: OperatorDesk | null
  /** @default none */
  readonly failures?: FailureShelves
  /** @default one of its own */
  readonly door?: PostDoor
}

interface Asked {
  readonly desk: OperatorDesk
  readonly failures: FailureShelves | undefined
  readonly fields: QuestionFields
  readonly request: IncomingMessage
}

interface Route {
  readonly needs: Errand['needs']
  readonly answer: (asked: Asked) => Promise<object>
}

const MAY_BE = 'The order may still be carried out: the same order again does nothing twice'

const ROUTES: { readonly [path: string]: Route } = {
  '/api/items/find': {
    needs: 'read',
    answer: ({ desk, fields }) => {
      const { filter, after } = readFilter(fields)
      return desk.find(filter, after)
    },
  },
  '/api/items/history': {
    needs: 'read',
    answer: async ({ desk, failures, fields }) => {
      const { workflow, key } = readName(fields)
      const rounds = await desk.history({ workflow, key })
      // A disk that does not answer takes nothing from what the database told.
      const pages = await failures
        ?.get(workflow)
        ?.list(key)
        .catch(() => [])
      return { workflow, key, rounds, ...(pages === undefined ? {} : { pages }) }
    },
  },
  '/api/items/count': {
    needs: 'read',
    answer: ({ desk, fields }) => {
      const { action, filter } = readDeed(fields)
      return desk.count(action, filter)
    },
  },
  '/api/items/act': {
    needs: 'operate',
    answer: ({ desk, fields, request }) => {
      const { by, ...deed } = readDeed(fields)
      return desk.act(deed, { name: by, via: viaOf(request) })
    },
  },
  '/api/events/find': {
    needs: 'read',
    answer: ({ desk, fields }) => desk.events(readEventQuestion(fields)),
  },
}

const RUN_NOW = /^\/api\/workflows\/([a-z][a-z0-9-]{0,39})\/run-now$/

export class Lookups {
  readonly #options: LookupOptions
  readonly #door: PostDoor

  constructor(options: LookupOptions) {
    this.#options = options
    this.#door = options.door ?? new PostDoor(options)
  }

  /** @returns null when this is no path of a question. */
  async answer(request: IncomingMessage, path: string): Promise<Answer | null> {
    const route = this.#routeOf(path)
    if (route === null) return null
    const { operator, failures } = this.#options
    const nobody = operator === null ? 'This server has no database to ask' : null
    return this.#door.pass(request, {
      ...{ needs: route.needs, nobody, mayBe: route.needs === 'operate' ? MAY_BE : '' },
      carry: async (body) => {
        if (operator === null) return refused(404, 'This server has no database to ask')
        try {
          const asked = { desk: operator, failures, fields: readFields(body), request }
          return json(200, { v: 1, ...(await route.answer(asked)) })
        } catch (error) {
          const wrong = wordsOfWrong(error)
          if (wrong === null) throw error
          return refused(400, wrong)
        }
      },
    })
  }

  #routeOf(path: string): Route | null {
    // Names such as `constructor` are members of every object.
    const known = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
    if (known !== undefined) return known
    const workflow = RUN_NOW.exec(path)?.[1]
    if (workflow === undefined) return null
    return {
      needs: 'operate',
      answer: async ({ desk, fields, request }) => {
        const { by } = readDeed({ ...fields, workflow, action: 'retry' })
        return { words: await desk.runNow(workflow, { name: by, via: viaOf(request) }) }
      },
    }
  }
}
