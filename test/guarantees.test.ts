// docs/guarantees.md names the test of each promise: what it names must be there.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'

const DOCUMENT = 'docs/guarantees.md'
const INVARIANTS = Array.from({ length: 10 }, (_, index) => `I${index + 1}`)

/** A link to a file of ours, and the title of a test where one is quoted behind it. */
const LINK = /\[[^\]]+\]\(([^)#]+)\)(?: "([^"]+)")?/g

describe(DOCUMENT, () => {
  let text = ''
  before(async () => {
    text = await readFile(DOCUMENT, 'utf8')
  })

  it('names tests that are there, by file and title', async () => {
    const links = [...text.matchAll(LINK)]
    expect(links.length).to.be.above(30)
    for (const [, target = '', title] of links) {
      const path = join(dirname(DOCUMENT), target)
      expect(existsSync(path), path).to.equal(true)
      if (title !== undefined) expect(await readFile(path, 'utf8')).to.contain(title)
    }
  })

  it('names every invariant, with a test', () => {
    for (const invariant of INVARIANTS) {
      const row = text.split('\n').find((line) => line.startsWith(`| ${invariant} |`))
      expect(row, invariant).to.match(/\]\(\.\.\/(test|src)\//)
    }
  })

  it('gives every promise a test', () => {
    const section = text.split('## Promises')[1]?.split('##')[0] ?? ''
    const rows = section.split('\n').filter((line) => line.startsWith('| **'))
    expect(rows.length).to.be.above(8)
    for (const row of rows) expect(row).to.contain('](../test/')
  })
})
