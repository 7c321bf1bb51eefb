import { expect } from 'chai'
import { parseTableName } from '../../../src/core/table-name.js'

describe('core/table-name', () => {
  const read: readonly (readonly [string, string, string])[] = [
    ['pages', 'public', 'pages'],
    ['app.pages', 'app', 'pages'],
    ['Other Schema.Place "X"', 'Other Schema', 'Place "X"'],
    ['"my.schema"."tab.le"', 'my.schema', 'tab.le'],
    ['"say ""hi""".pages', 'say "hi"', 'pages'],
    ['app."Pages"', 'app', 'Pages'],
    ['\u{1F600}', 'public', '\u{1F600}'],
  ]
  for (const [text, schema, table] of read) {
    it(`reads ${text}`, () => {
      expect(parseTableName(text)).to.deep.equal({ schema, table })
    })
  }

  const refused = ['', '.', 'a.', '.a', 'a.b.c', '"a', '"a"b', '""', 'a\0b', 'x'.repeat(64)]
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(parseTableName(text)).to.equal(null)
    })
  }
})
