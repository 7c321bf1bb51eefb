import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { ContentHead, StreamedPage } from '../core/fetched-page.js'
import type { HandlerContext } from '../workflow/define.js'

/** Bytes that wait between the wire and the reader. */
const BUFFER_BYTES = 256 * 1_024
const NO_HEAD: ContentHead = { contentType: '', charset: null, headers: {} }

/**
 * Fetches a page and has `read` pull its body. Nothing more is fetched once it returns.
 *
 * @throws {FetchFailure} as a fetch does; else what `read` throws.
 */
export async function streamInto<Result>(
  context: HandlerContext,
  url: string,
  read: (body: AsyncIterable<Buffer>, head: ContentHead) => Promise<Result>,
): Promise<{ readonly page: StreamedPage; readonly result: Result }> {
  const channel = new PassThrough({ highWaterMark: BUFFER_BYTES })
  let isOver = false
  let reading: Promise<Result> | null = null
  const begin = (head: ContentHead) => {
    const begun = read(channel, head).finally(() => {
      isOver = true
    })
    // Whoever fetches or waits hears of it; a fetch that failed first is what counts then.
    begun.catch(() => {})
    return begun
  }
  try {
    const page = await context.streamPage(url, async (piece, head) => {
      reading ??= begin(head)
      if (!isOver && !channel.write(piece)) {
        await Promise.race([once(channel, 'drain'), reading])
      }
      return !isOver
    })
    channel.end()
    return { page, result: await (reading ?? begin(NO_HEAD)) }
  } finally {
    channel.destroy()
  }
}
