import { createHash } from 'node:crypto'

/** A small PDF of one page that names its reference; the same reference is the same bytes. */
export function pdfOf(reference: string, bytes = 2_000): Buffer {
  const head =
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n' +
    '2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
    '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n' +
    `% ${reference}\n`
  const tail = 'trailer<</Size 4/Root 1 0 R>>\nstartxref\n0\n%%EOF\n'
  const room = Math.max(0, bytes - Buffer.byteLength(head) - tail.length)
  const seed = createHash('sha256').update(reference).digest('hex')
  const filling = `${seed}\n`.repeat(Math.ceil(room / (seed.length + 1))).slice(0, room)
  return Buffer.from(`${head}%${filling.slice(1)}\n${tail}`)
}

export function sha256Of(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}
