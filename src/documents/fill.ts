// Bytes into a part: those that are at hand, those of a stream, and those of a URL, which are gone
// on from where an earlier try left them.

import type { FileHandle } from 'node:fs/promises'
import type { StreamedPage, StreamRequest, TakeBytes } from '../core/fetched-page.js'
import type { Filled } from './document-files.js'
import { checkLarge, type SizeBounds } from './inspect.js'
import type { Part } from './parts.js'

/** How a URL is read: the handler's own way, with its limits and its guard. */
export type StreamUrl = (
  url: string,
  take: TakeBytes,
  request: StreamRequest,
) => Promise<StreamedPage>

export async function fillFrom(
  part: Part,
  pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  bounds: SizeBounds & { readonly abortSignal?: AbortSignal },
): Promise<void> {
  let at = 0
  for await (const piece of pieces) {
    // The step that reads it may be over, and another one may have begun.
    bounds.abortSignal?.throwIfAborted()
    checkLarge(at + piece.length, bounds)
    await writeAll(part.file, piece, at)
    at += piece.length
  }
}

/** A file system may take a part of a piece; the rest must not become a hole. */
async function writeAll(file: FileHandle, piece: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done, at + done)
    done += bytesWritten
  }
}

export interface UrlRequest {
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly stream: StreamUrl
  readonly bounds: SizeBounds
}

type Headers = { readonly [name: string]: string }

/** Fills a part with what a URL holds. */
export async function fillFromUrl(part: Part, request: UrlRequest): Promise<Filled> {
  const { url, stream, bounds } = request
  const { begunBytes, origin } = part
  const goesOn = begunBytes > 0 && origin !== null && origin.url === url
  const range: Headers = goesOn
    ? { range: `bytes=${begunBytes}-`, 'if-range': origin.validator }
    : {}
  const body = new BodyWriter(part, { url, begunBytes: goesOn ? begunBytes : 0, bounds })
  try {
    // A coding would make ranges of something else than the document.
    const headers = { accept: '*/*', 'accept-encoding': 'identity', ...request.headers, ...range }
    const page = await stream(url, (piece, head) => body.take(piece, head.headers), { headers })
    return { url: page.url, etag: page.headers.etag ?? null }
  } catch (error) {
    // The server has nothing beyond what we have, or something else by now: from the start, once.
    if (goesOn && statusOf(error) === 416) {
      await part.file.truncate(0)
      return fillFromUrl({ ...part, begunBytes: 0, origin: null }, request)
    }
    throw error
  } finally {
    // A fetch that fails does not wait for who reads it, and the file is about to be closed.
    await body.idle()
  }
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'httpStatus' in error
    ? error.httpStatus
    : null
}

class BodyWriter {
  readonly #part: Part
  readonly #of: { readonly url: string; readonly begunBytes: number; readonly bounds: SizeBounds }
  #at: number | null = null
  #taking: Promise<unknown> = Promise.resolve()

  constructor(
    part: Part,
    of: { readonly url: string; readonly begunBytes: number; readonly bounds: SizeBounds },
  ) {
    this.#part = part
    this.#of = of
  }

  take(piece: Buffer, headers: Headers): Promise<boolean> {
    const taking = this.#write(piece, headers)
    this.#taking = taking.catch(() => {})
    return taking
  }

  async idle(): Promise<void> {
    await this.#taking
  }

  async #write(piece: Buffer, headers: Headers): Promise<boolean> {
    const at = this.#at ?? (await this.#begin(headers))
    checkLarge(at + piece.length, this.#of.bounds)
    await writeAll(this.#part.file, piece, at)
    this.#at = at + piece.length
    return true
  }

  /** @returns where the first piece goes. */
  async #begin(headers: Headers): Promise<number> {
    const { begunBytes, url } = this.#of
    const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
    if (begunBytes > 0 && start !== undefined && Number(start) === begunBytes) {
      if (this.#part.origin !== null) await this.#part.note(this.#part.origin)
      return begunBytes
    }
    // The whole document, whatever we asked for: what was there is of another one.
    await this.#part.file.truncate(0)
    const validator = validatorOf(headers)
    if (validator !== null) await this.#part.note({ url, validator })
    return 0
  }
}

/** By what a server can say whether the rest still belongs to the beginning. */
function validatorOf(headers: Headers): string | null {
  const { etag, 'last-modified': date } = headers
  if (headers['accept-ranges'] === 'none') return null
  if (etag !== undefined && !etag.startsWith('W/')) return etag
  return date ?? null
}
