// Commands of the owner of a bound table, each a statement of their own SQL.

import { insertSourceRows } from '../../../src/store/enqueue.js'
import type { StepOf } from '../steps.js'
import { SOURCE } from '../tables.js'
import type { Answer, World } from '../world.js'

/** Triggers see rows in no promised order. */
const DONE: Answer = { real: null, expected: () => null, isOrderFree: true }

const curationOf = (isSelected: boolean) => (isSelected ? 'Selected' : 'New')

export async function ownerInsert(world: World, step: StepOf<'ownerInsert'>): Promise<Answer> {
  const { keys, word, isSelected } = step
  await world.sql`
    insert into public.model_pages (url, curation, status)
    select url, ${curationOf(isSelected)}, ${word} from unnest(${keys}::text[]) as given (url)
        on conflict do nothing`
  const { workflowId } = world.flow('bound')
  world.model.own(workflowId, (table, isLeased) =>
    table.insert(keys, { word, isSelected }, isLeased),
  )
  return DONE
}

export async function ownerUpdate(world: World, step: StepOf<'ownerUpdate'>): Promise<Answer> {
  const { keys, word, isSelected } = step
  const curation = isSelected === undefined ? null : curationOf(isSelected)
  await world.sql`
    update public.model_pages
       set status = case when ${word !== undefined}::boolean then ${word ?? null}::text
                         else status end,
           curation = coalesce(${curation}::text, curation)
     where url = any (${keys}::text[])`
  const change = {
    ...(word === undefined ? {} : { word }),
    ...(isSelected === undefined ? {} : { isSelected }),
  }
  const { workflowId } = world.flow('bound')
  world.model.own(workflowId, (table, isLeased) => table.update(keys, change, isLeased))
  return DONE
}

export async function ownerDelete(world: World, step: StepOf<'ownerDelete'>): Promise<Answer> {
  await world.sql`delete from public.model_pages where url = any (${step.keys}::text[])`
  world.table.delete(step.keys)
  return DONE
}

/** `fetchyard enqueue` and `run` on a bound workflow. */
export async function ask(world: World, step: StepOf<'ask'>): Promise<Answer> {
  const { again, keys } = step
  const real = await insertSourceRows(world.sql, { source: SOURCE, urls: keys, again })
  const expected = askModel(world, step)
  return { real, expected: () => expected, isOrderFree: true }
}

const FINISHED_WORDS: readonly (string | null)[] = ['Complete', 'Error', 'Cancelled']

function askModel(world: World, { again, keys }: StepOf<'ask'>): number {
  const { workflowId } = world.flow('bound')
  const queued = { word: 'Queued', isSelected: true } as const
  const fresh = keys.filter((key) => !world.table.rows.has(key))
  world.model.own(workflowId, (table, isLeased) => table.insert(fresh, queued, isLeased))
  const reset = keys.filter((key) => {
    const word = world.table.rows.get(key)?.word ?? null
    return word === null || (again === 'when-finished' && FINISHED_WORDS.includes(word))
  })
  world.model.own(workflowId, (table, isLeased) => table.update(reset, queued, isLeased))
  return fresh.length + reset.length
}
