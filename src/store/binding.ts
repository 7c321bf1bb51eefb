// What makes a table of the user's a queue: the SQL of the triggers that enqueue its rows, and the
// clause by which lease, settle and reclaim write the status word back.

import { payloadColumns, type SourceDefinition } from '../core/definition.js'
import { quoteIdentifier, quoteLiteral, quoteTable } from './identifiers.js'

/** The words a bound status column carries. */
const STATUS_WORDS = ['Queued', 'Processing', 'Complete', 'Error', 'Cancelled'] as const
export type StatusWord = (typeof STATUS_WORDS)[number]

/**
 * A source as stored with its workflow: enough to write status words without the workflow's module.
 */
export type Binding = Omit<SourceDefinition, 'urlColumn' | 'insert'>

export function bindingOf(source: SourceDefinition): Binding {
  const { urlColumn: _url, insert: _insert, ...binding } = source
  return binding
}

/**
 * The setting by which our own write of a status word is told from the owner's: it holds the id of
 * the workflow whose words a statement writes, until the end of that statement's transaction.
 * Without it, giving a row back ('Queued') would enqueue it a second time.
 */
const MIRROR_SETTING = 'fetchyard.mirror'

/**
 * How long a statement waits for a row that its owner holds, in milliseconds. Then it fails and is
 * sent again later: a connection that waits for ever is one that heartbeats and other workflows
 * lack.
 */
export const ROW_LOCK_MS = 2_000

export interface MirrorClause {
  readonly workflowId: number
  readonly binding: Binding
  /** CTE with the columns item_id, item_key, round and word. */
  readonly from: string
  /** Words that may be overwritten: any other is the owner's, and stays. */
  readonly over: readonly StatusWord[]
}

/**
 * CTEs that write status words to the bound table.
 *
 * Two conditions keep the owner's word: a row is written only over the word the queue left there,
 * and only by the item of its latest round. So a row that its owner set back to 'Queued' in
 * mid-flight stays 'Queued', and its next round is worked as well.
 *
 * The round is asked for by a volatile function, which sees what the statement's snapshot does not:
 * while we waited, the owner may have asked again and another node leased that, and the word
 * 'Processing' is then that of the next round.
 */
export function mirrorCtes(clause: MirrorClause): string {
  const { binding, workflowId } = clause
  const status = quoteIdentifier(binding.status)
  const type = binding.statusType ?? 'text'
  const stamp =
    binding.updatedAt === undefined ? '' : `, ${quoteIdentifier(binding.updatedAt)} = now()`
  const over = clause.over.map((word) => `${quoteLiteral(word)}::${type}`).join(', ')
  return `
  mirror_mark as materialized (
    select set_config('${MIRROR_SETTING}', '${workflowId}', true) as workflow,
           set_config('lock_timeout', '${ROW_LOCK_MS}', true) as patience
  ),
  mirrored as (
    update ${quoteTable(binding.table)} as owned
       set ${status} = word.word::${type}${stamp}
      from ${clause.from} as word, mirror_mark
     where owned.${quoteIdentifier(binding.key)} = ${keyExpression(binding.keyType, 'word.item_key')}
       and owned.${status} in (${over})
       and mirror_mark.workflow = '${workflowId}'
       and mirror_mark.patience is not null
       and fetchyard.is_newest_round(${workflowId}::smallint, word.item_key, word.round)
  )`
}

const INTEGER_BOUNDS: { readonly [type: string]: readonly [min: string, max: string] } = {
  smallint: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807'],
}

/**
 * An item's key as the type of the table's key; null for one that was pushed and is none, which
 * must not fail the statement for all items beside it.
 */
export function keyExpression(keyType: string, key: string): string {
  const bounds = INTEGER_BOUNDS[keyType]
  if (bounds !== undefined) {
    return (
      `case when ${key} ~ '^-?[0-9]{1,19}$' then case when ${key}::numeric ` +
      `between ${bounds[0]} and ${bounds[1]} then ${key}::${keyType} end end`
    )
  }
  if (keyType === 'uuid') {
    return `case when ${key} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then ${key}::uuid end`
  }
  if (keyType === 'numeric') {
    return `case when ${key} ~ '^(-?[0-9]+([.][0-9]+)?|NaN|-?Infinity)$' then ${key}::numeric end`
  }
  return `${key}::${keyType}`
}

/** Names of the objects that a binding installs. */
function bindingNames(workflow: string): {
  readonly handler: string
  readonly trigger: string
} {
  const base = workflow.replaceAll('-', '_')
  return {
    handler: `fetchyard.${quoteIdentifier(`on_${base}_queued`)}`,
    trigger: `fetchyard_${base}`,
  }
}

/** The lane of a bound row: the host of its URL, or none. */
export function laneExpression(binding: Binding, row: string): string {
  if (binding.laneColumn === undefined) return `''`
  const column = `${row}.${quoteIdentifier(binding.laneColumn)}::text`
  return `coalesce(lower(substring(${column} from '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)')), '')`
}

/** The payload of a bound row. */
export function payloadExpression(binding: Binding, row: string): string {
  const pairs = payloadColumns(binding).map(
    (column) => `${quoteLiteral(column)}, ${row}.${quoteIdentifier(column)}`,
  )
  return `jsonb_build_object(${pairs.join(', ')})`
}

/** Rows of a relation that are to be worked, as a condition on unqualified columns. */
export function wantedCondition(binding: Binding): string {
  const queued = `${quoteIdentifier(binding.status)} = 'Queued'::${binding.statusType ?? 'text'}`
  return binding.where === undefined ? queued : `${queued} and (${binding.where})`
}

function enqueueCall(workflowId: number, again: string): string {
  return `select fetchyard.enqueue_items(${workflowId}::smallint, array_agg(wanted.key), array_agg(wanted.payload),
                 array_agg(wanted.lane), array_agg(${again}))`
}

/**
 * The body shared by both triggers: the wanted rows of the statement's new state. With each comes
 * the item of its key's latest round, looked up by index for every row: the planner knows nothing
 * of a transition table and expects one row of a join, which it would then do by comparing every
 * row with every other.
 */
function wantedRows(workflowId: number, binding: Binding): string {
  const key = `present.${quoteIdentifier(binding.key)}::text`
  return `(select ${key} as key,
                      ${payloadExpression(binding, 'present')} as payload,
                      ${laneExpression(binding, 'present')} as lane,
                      (select item.item_id from fetchyard.item
                        where item.workflow_id = ${workflowId} and item.item_key = ${key}
                        order by item.round desc limit 1) as latest_id
                 from (select * from fetchyard_new where ${wantedCondition(binding)}) as present) as wanted`
}

/**
 * The round that a wanted row asks for. Wanted while its item is under way, be it set back, be it
 * deleted and inserted again: it is to be done once more, since the end of what is under way will
 * not be written over its 'Queued'. Otherwise only when finished.
 */
function againExpression(workflowId: number): string {
  return `case when wanted.latest_id is null then 1
                 when wanted.latest_id in (
                        select member.item_id
                          from fetchyard.work_queue as pack
                         cross join lateral unnest(pack.item_ids) as member (item_id)
                         where pack.workflow_id = ${workflowId} and pack.lease_id is not null)
                   then 2
                 else 1 end::smallint`
}

/** Rows that are wanted now and were not before, with the round they ask for. */
function newlyWantedRows(workflowId: number, binding: Binding): string {
  const key = quoteIdentifier(binding.key)
  const status = quoteIdentifier(binding.status)
  const before = (condition: string) =>
    `(select ${key}::text from fetchyard_old where ${condition} and ${key} is not null)`
  return `(select wanted.*,
                  case when wanted.key in ${before(`${status}::text = 'Processing'`)} then 2
                       else ${againExpression(workflowId)} end::smallint as again
             from ${wantedRows(workflowId, binding)}
            where wanted.key not in ${before(wantedCondition(binding))}) as wanted`
}

/**
 * The function behind both triggers. Its statements are planned at each call (`execute`): a plan
 * kept from an update of one row would take hours for an update of a million.
 */
function handlerStatement(handler: string, workflowId: number, binding: Binding): string {
  return `create or replace function ${handler}() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $fetchyard$
begin
  if tg_op = 'INSERT' then
    execute $fetchyard_insert$
    ${enqueueCall(workflowId, againExpression(workflowId))}
       from ${wantedRows(workflowId, binding)}
     having count(*) > 0
    $fetchyard_insert$;
    return null;
  end if;
  -- Our own write of a status word is no wish of the owner's.
  if coalesce(current_setting('${MIRROR_SETTING}', true), '') = '${workflowId}' then
    return null;
  end if;
  execute $fetchyard_update$
  ${enqueueCall(workflowId, 'wanted.again')}
     from ${newlyWantedRows(workflowId, binding)}
   having count(*) > 0
  $fetchyard_update$;
  return null;
end $fetchyard$`
}

/**
 * The statements that bind a table, in order. Triggers are per statement, so that a bulk update of
 * a million rows is one enqueue. They run as their owner: the application needs no right on our
 * schema.
 */
export function bindingStatements(
  workflow: string,
  workflowId: number,
  binding: Binding,
): readonly string[] {
  const names = bindingNames(workflow)
  const table = quoteTable(binding.table)
  return [
    handlerStatement(names.handler, workflowId, binding),
    `create or replace trigger ${quoteIdentifier(`${names.trigger}_insert`)}
  after insert on ${table} referencing new table as fetchyard_new
  for each statement execute function ${names.handler}()`,
    `create or replace trigger ${quoteIdentifier(`${names.trigger}_update`)}
  after update on ${table} referencing old table as fetchyard_old new table as fetchyard_new
  for each statement execute function ${names.handler}()`,
  ]
}

/** The statements that take the triggers away; without a binding, of a table that is gone. */
export function unbindingStatements(workflow: string, binding: Binding | null): readonly string[] {
  const names = bindingNames(workflow)
  const drops =
    binding === null
      ? []
      : ['insert', 'update'].map(
          (event) =>
            `drop trigger if exists ${quoteIdentifier(`${names.trigger}_${event}`)} ` +
            `on ${quoteTable(binding.table)}`,
        )
  return [...drops, `drop function if exists ${names.handler}()`]
}
