import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import {
  DocumentProblem,
  RecordSplitter,
  type SplitOptions,
  type SplitPosition,
  type SplitRecord,
} from '../../../src/records/splitter.js'
import { SAMPLE_XML } from './support.js'

const PATH = ['all', 'r']

interface Outcome {
  readonly records: readonly SplitRecord[]
  readonly problem: string | null
}

/** Splits in chunks of these sizes, over and over. */
function split(
  document: string | Buffer,
  sizes: readonly number[] = [1 << 20],
  options: Partial<SplitOptions> = {},
): Outcome {
  const bytes = Buffer.from(document)
  const splitter = new RecordSplitter({ path: PATH, nests: false, ...options })
  const records: SplitRecord[] = []
  try {
    for (let at = options.from?.offset ?? 0, turn = 0; at < bytes.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1
      records.push(...splitter.push(bytes.subarray(at, at + size)))
      at += size
    }
    records.push(...splitter.end())
    return { records, problem: null }
  } catch (error) {
    if (!(error instanceof DocumentProblem)) throw error
    return { records: [...records, ...splitter.take()], problem: error.message }
  }
}

const words = ({ records }: Outcome) =>
  records.map((record) => record.bytes?.toString() ?? `problem: ${record.problem}`)

describe('RecordSplitter', () => {
  it('finds the records of the sample, with the prefixes that are declared around them', () => {
    const text = readFileSync(SAMPLE_XML)
    const uri = 'https://example.com/applications/1'
    const path = ['Applications', 'Application'].map((name) => `{${uri}}${name}`)
    const { records, problem } = split(text, [7], { path })
    expect(problem).to.equal(null)
    expect(records).to.have.length(4)
    for (const record of records) {
      expect(record.bytes?.toString()).to.match(/^<Application id="\d+">[\s\S]*<\/Application>$/)
      expect(record).to.have.deep.property('namespaces', { '': uri })
    }
  })

  it('is not misled by comments, sections, instructions, quotes and other elements', () => {
    const document = `<?xml version="1.0"?><!-- <all><r> --><all a="<r>" b='>'>
      <!-- <r>no</r> --><?pi <r>no</r> ?><other><r>not on the path</r></other><r/><r a="/>">
      <!-- </r> --><![CDATA[</r>]]><?x </r>?><s t="r"/><rr>1</rr></r ><r	k='1'>2</r></all> <!-- end -->`
    expect(words(split(document))).to.have.length(3)
    expect(split(document).problem).to.equal(null)
  })

  it('lets a broken record fail by itself, and finds the next one', () => {
    const cases: readonly (readonly [document: string, found: readonly string[]])[] = [
      ['<all><r><a></r><r>2</r></all>', ['<r><a></r>', '<r>2</r>']],
      ['<all><r>&x; </b></r><r>2</r></all>', ['<r>&x; </b></r>', '<r>2</r>']],
      [
        '<all><r>1<r>2</r></all>',
        ['problem: its end tag is missing before the next record', '<r>2</r>'],
      ],
      [
        '<all><r>1</r><r>2</all>',
        ['<r>1</r>', 'problem: its end tag is missing before the end of all'],
      ],
      ['<all><r>1</r><r>2', ['<r>1</r>', 'problem: the file ends within the record']],
      [
        '<all><r>1</r><r><![CDATA[2</r></all>',
        ['<r>1</r>', 'problem: the file ends within the record'],
      ],
    ]
    for (const [document, found] of cases) {
      expect(words(split(document)), document).to.deep.equal(found)
      expect(words(split(document, [1])), `${document} by bytes`).to.deep.equal(found)
    }
  })

  it('counts records of their own name within a record where the mapping says that they nest', () => {
    const document = '<all><r>1<r>2<r/></r></r><r>3</r></all>'
    expect(words(split(document, [3], { nests: true }))).to.deep.equal([
      '<r>1<r>2<r/></r></r>',
      '<r>3</r>',
    ])
  })

  it('refuses a document whose outer tags do not fit, and keeps what came before', () => {
    const cases: readonly (readonly [document: string, words: string])[] = [
      ['<all><r>1</r></wrong>', 'there is the end of wrong, and all is open'],
      ['<all><r>1</r>', 'it ends within the element all'],
      ['<all><r>1</r></all><all/>', 'there is more after its end: all'],
      ['<all><r>1</r>< x></all>', 'begins no tag'],
    ]
    for (const [document, problem] of cases) {
      for (const sizes of [[1], [1_000]]) {
        const outcome = split(document, sizes)
        expect(outcome.problem, document).to.contain(problem)
        expect(words(outcome), document).to.deep.equal(['<r>1</r>'])
      }
    }
    expect(split('').problem).to.equal('it holds no element')
    const doctype = '<!DOCTYPE all [<!ENTITY a "b">]><all><r/></all>'
    expect(split(doctype).problem).to.contain('DOCTYPE')
  })

  it('passes over a record that is too large without keeping it', () => {
    const large = `<r>${'x'.repeat(LIMITS.recordBytesMax)}</r>`
    const document = `<all><r>1</r>${large}<r>3</r></all>`
    for (const sizes of [[1 << 16], [1 << 26]]) {
      const [first, second, third] = words(split(document, sizes))
      expect([first, third]).to.deep.equal(['<r>1</r>', '<r>3</r>'])
      expect(second).to.contain('problem: the record is larger than')
    }
  })

  it('splits the same in chunks of any size, and goes on from any position', () => {
    const piece = fc.constantFrom(
      '<r>1</r>',
      '<r k="a>b"><s/><!-- </r> --></r>',
      '<r/>',
      '<r><![CDATA[</r>]]></r >',
      '<other><r/></other>',
      '<!-- <r> -->',
      '<p:r xmlns:p="u"/>',
      ' text ',
      '<r>lost',
      '<rr/>',
    )
    const documents = fc.array(piece, { maxLength: 12 }).map((all) => `<all>${all.join('')}</all>`)
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(documents, sizes, fc.nat(), (document, chunks, pick) => {
        const whole = split(document)
        expect(words(split(document, chunks))).to.deep.equal(words(whole))
        if (whole.records.length === 0) return
        const index = pick % whole.records.length
        const from = throughJson(whole.records[index]?.position)
        const rest = split(document, chunks, { from })
        expect(words(rest)).to.deep.equal(words(whole).slice(index + 1))
        expect(rest.problem).to.equal(whole.problem)
        expect(rest.records.at(-1)?.position ?? from).to.deep.equal(whole.records.at(-1)?.position)
      }),
      { numRuns: 500 },
    )
  })

  /** As the database gives it back. */
  function throughJson(position: SplitPosition | undefined): SplitPosition {
    return JSON.parse(JSON.stringify(position))
  }
})
