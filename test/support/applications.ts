// Applications for the mapping of docs/samples: any number of records, each the same from run to run.

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { createGzip } from 'node:zlib'

export const MAPPING_PATH = resolve('docs/samples/applications.records.json')
export const NAMESPACE = 'https://example.com/applications/1'

const APPLICANTS = 2
/** Rows of one record: itself, its applicants, and an address of each. */
export const ROWS_A_RECORD = 1 + APPLICANTS + APPLICANTS

function applicant(id: number, no: number): string {
  return `<Applicant${no === 1 ? ' main="true"' : ''}><Name>Person ${id}-${no} &amp; Co</Name>
        <BirthDate>19${50 + (id % 50)}-0${1 + (no % 9)}-1${id % 10}</BirthDate>
        <Address kind="home"><Street>Street ${id % 977}</Street><City>City ${id % 311}</City></Address>
      </Applicant>`
}

/** One record as it stands in a document. */
export function applicationXml(id: number): string {
  const applicants = Array.from({ length: APPLICANTS }, (_, index) => applicant(id, index + 1))
  return `<Application id="${id}">
    <Submitted>2026-03-0${1 + (id % 9)}T09:30:00+01:00</Submitted>
    <Status>${'APR'[id % 3]}</Status>
    <Loan><Amount currency="EUR">${id % 100_000}.${10 + (id % 90)}</Amount></Loan>
    <Note>Application number ${id}, of no particular interest beyond its length.</Note>
    <Applicants>
      ${applicants.join('\n      ')}
    </Applicants>
  </Application>`
}

/** The mapping's workflow, as a node imports it. */
export function recordsModuleUrl(schema: string): string {
  const url = new URL('../../src/workflows/records.js', import.meta.url)
  url.search = String(new URLSearchParams({ mapping: pathToFileURL(MAPPING_PATH).href, schema }))
  return url.href
}

/** Writes a document of `count` records, from number 1 on; packed when its name says so. */
export async function writeApplications(
  path: string,
  count: number,
  xmlOf: (id: number) => string = applicationXml,
): Promise<void> {
  const file = createWriteStream(path)
  const out = path.endsWith('.gz') ? createGzip() : file
  if (out !== file) out.pipe(file)
  const write = async (text: string) => {
    if (!out.write(text)) await once(out, 'drain')
  }
  await write(`<?xml version="1.0" encoding="UTF-8"?>\n<Applications xmlns="${NAMESPACE}">\n`)
  for (let from = 1; from <= count; from += 100) {
    const ids = Array.from({ length: Math.min(100, count - from + 1) }, (_, index) => from + index)
    await write(`${ids.map((id) => `  ${xmlOf(id)}\n`).join('')}`)
  }
  out.end('</Applications>\n')
  await finished(file)
}
