// Orders about workflows over HTTP.

import type { IncomingMessage } from 'node:http'
import type { Carried, Orderer, SteeringDesk } from '../steering-desk.js'
import { type Answer, json } from './answer.js'
import { type Order, orderPathOf, readOrder } from './order.js'
import { PostDoor, type PostDoorOptions, refused } from './post-door.js'

export { refused } from './post-door.js'

export interface ActionOptions extends PostDoorOptions {
  readonly desk: SteeringDesk | null
  /** @default one of its own */
  readonly door?: PostDoor
}

const MAY_BE = 'The order may still be carried out: GET /api/rollout tells what holds'

export class Actions {
  readonly #options: ActionOptions
  readonly #door: PostDoor

  constructor(options: ActionOptions) {
    this.#options = options
    this.#door = options.door ?? new PostDoor(options)
  }

  /** @returns null when this is no path of an order. */
  async answer(request: IncomingMessage, path: string): Promise<Answer | null> {
    const target = orderPathOf(path)
    if (target === null) return null
    const { desk } = this.#options
    return this.#door.pass(request, {
      needs: 'operate',
      nobody: desk === null ? 'This server takes no orders' : null,
      mayBe: MAY_BE,
      carry: async (body) => {
        const read = readOrder(target.verb, body)
        if ('wrong' in read) return refused(400, read.wrong)
        if (desk === null) return refused(404, 'This server takes no orders')
        const by = { name: read.order.by, via: viaOf(request) }
        const { isChanged, words, now } = await carryOut(desk, {
          ...{ workflow: target.workflow, order: read.order, by },
        })
        return json(200, { v: 1, changed: isChanged, words, now })
      },
    })
  }
}

/** Which way an order came, for the record. */
export function viaOf(request: IncomingMessage): string {
  return `over HTTP from ${request.socket.remoteAddress ?? 'an unknown address'}`
}

function carryOut(
  desk: SteeringDesk,
  { workflow, order, by }: { workflow: string; order: Order; by: Orderer },
): Promise<Carried> {
  switch (order.verb) {
    case 'rollout':
      return desk.setRollout(workflow, order.rollout, by)
    case 'concurrency':
      return desk.setConcurrency(workflow, order.items, by)
    case 'rate':
      return desk.setPace(workflow, { ratePerMinute: order.perMinute }, by)
    default:
      return desk[order.verb](workflow, by)
  }
}
