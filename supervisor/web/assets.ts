import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'

/** A file of the dashboard, held in memory. */
export interface Asset {
  readonly body: Buffer
  readonly contentType: string
  readonly etag: string
}

/**
 * The files of the chart library that a page needs, by the name they are served under. They come
 * from its package as it was installed: nothing of it is copied into this one.
 */
const PACKAGE_FILES: Readonly<Record<string, string>> = {
  'uPlot.js': 'uplot/dist/uPlot.iife.min.js',
  'uPlot.css': 'uplot/dist/uPlot.min.css',
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Reads the dashboard's files by the path they are served under. What is not in the list is not
 * served: no request ever reaches the file system.
 *
 * @throws when the files are not beside the compiled module: the package is incomplete.
 */
export async function loadAssets(
  folder = new URL('./public/', import.meta.url),
): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>()
  const files = [
    ...(await readdir(folder)).map((name) => [name, new URL(name, folder)] as const),
    ...Object.entries(PACKAGE_FILES).map(
      ([name, path]) => [name, new URL(import.meta.resolve(path))] as const,
    ),
  ]
  for (const [name, url] of files) {
    const contentType = CONTENT_TYPES[extname(name)]
    if (contentType === undefined) continue
    const body = await readFile(url)
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    assets.set(name === 'index.html' ? '/' : `/${name}`, { body, contentType, etag })
  }
  return assets
}
