// From an input to the queue: URLs in slices, into the workflow's table or straight into its queue,
// and into the run they belong to.

import { FetchyardError } from '../../src/core/errors.js'
import type { Sql } from '../../src/store/client.js'
import type { Again, NewItem } from '../../src/store/enqueue.js'
import { enqueueItems, insertSourceRows } from '../../src/store/enqueue.js'
import { forgetFailures } from '../../src/store/known-failures.js'
import { joinRun, joinRunByUrl } from '../../src/store/runs.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import type { LoadedWorkflow } from '../node.js'
import type { InputEntry } from './input-format.js'

export interface FeedRequest {
  readonly sql: Sql
  readonly workflow: LoadedWorkflow
  readonly handle: WorkflowHandle
  readonly again: Again
  /** The run that the items join; null for none. */
  readonly runId: number | null
  /** Told of each line that is not used, the first `BAD_LINES_SHOWN` of them. */
  readonly onBadLine: (line: number, problem: string) => void
  readonly onSlice: (fed: FeedResult) => void
  /** Asked between slices whether to stop early. */
  readonly isStopped: () => boolean
}

export interface FeedResult {
  /** URLs that can be worked, repeated ones included. */
  readonly good: number
  readonly bad: number
  /** Items that are new to the queue. */
  readonly added: number
  /** Items that joined the run by this call. */
  readonly joined: number
}

const SLICE_URLS = 1_000
export const BAD_LINES_SHOWN = 20

type Counts = { -readonly [Key in keyof FeedResult]: FeedResult[Key] }

/**
 * Feeds a workflow.
 *
 * @throws {FetchyardError} INPUT_INVALID when not one line of the input can be used.
 */
export async function feed(
  entries: AsyncIterable<readonly InputEntry[]>,
  request: FeedRequest,
): Promise<FeedResult> {
  refuseOwnKeys(request.workflow)
  const counts: Counts = { good: 0, bad: 0, added: 0, joined: 0 }
  let urls: string[] = []
  for await (const slice of entries) {
    for (const entry of slice) {
      if (entry.url === undefined) noteBad(entry, counts, request)
      else if (urls.push(entry.url) === SLICE_URLS) {
        await feedSlice(urls, counts, request)
        urls = []
      }
    }
    if (request.isStopped()) return counts
  }
  if (urls.length > 0) await feedSlice(urls, counts, request)
  if (counts.good > 0) return counts
  const reason = counts.bad === 0 ? 'it is empty' : `none of its ${counts.bad} lines has one`
  throw new FetchyardError(
    'INPUT_INVALID',
    `The input holds no URL: ${reason}. Give lines of URLs, CSV with a column \`url\`, or JSONL ` +
      'with a field `url`.',
  )
}

/** An item whose key is a URL would belong to no row of a table that has other keys. */
function refuseOwnKeys({ definition: { name, source } }: LoadedWorkflow): void {
  if (source === undefined || source.urlColumn !== undefined) return
  throw new FetchyardError(
    'USAGE',
    `${name} takes no URLs: its queue is the table ${source.table}. Insert rows there and set ` +
      `${source.status} to 'Queued'.`,
  )
}

function noteBad(
  entry: { readonly line: number; readonly problem: string },
  counts: Counts,
  request: FeedRequest,
): void {
  counts.bad += 1
  if (counts.bad <= BAD_LINES_SHOWN) request.onBadLine(entry.line, entry.problem)
}

async function feedSlice(
  urls: readonly string[],
  counts: Counts,
  request: FeedRequest,
): Promise<void> {
  const { sql, workflow, handle, again, runId } = request
  const { workflowId, binding } = handle
  const { source } = workflow.definition
  counts.good += urls.length
  if (again === 'when-finished') await forgetFailures(sql, { workflowId, urls })
  if (source?.urlColumn === undefined || binding === null) {
    await pushSlice(urls, counts, request)
  } else {
    counts.added += await insertSourceRows(sql, { source, urls, again })
    if (runId !== null) {
      const { urlColumn } = source
      const joining = { runId, workflowId, binding, urlColumn, urls }
      counts.joined += await joinRunByUrl(sql, joining)
    }
  }
  request.onSlice(counts)
}

/** An item that is retired between the two statements is enqueued anew. */
const PUSH_TRIES = 3

async function pushSlice(
  urls: readonly string[],
  counts: Counts,
  { sql, handle: { workflowId }, again, runId }: FeedRequest,
): Promise<void> {
  const items = urls.map(itemOf)
  for (let tries = 0; tries < PUSH_TRIES; tries += 1) {
    counts.added += await enqueueItems(sql, { workflowId, items, again })
    if (runId === null) return
    const { joined, missing } = await joinRun(sql, { runId, workflowId, keys: urls })
    counts.joined += joined
    if (missing === 0) return
  }
}

/** An item of a workflow without a table: its key is its URL, its lane the host. */
function itemOf(url: string): NewItem {
  return { key: url, payload: { url }, lane: new URL(url).hostname }
}
