import { expect } from 'chai'
import { readCopyrightHolder } from '../../../src/extract/organizations.js'
import { isRole, readPersonName } from '../../../src/extract/person-name.js'
import { contactsOf, valuesOf } from './probe.js'

describe('extract/people', () => {
  const PEOPLE: readonly (readonly [text: string, name: string | null])[] = [
    ['Ann Green', 'Ann Green'],
    ['Dr. Laura M. Klein, DDS', 'Laura M. Klein'],
    ['Ludwig van der Berg', 'Ludwig van der Berg'],
    ["Sean O'Flynn", "Sean O'Flynn"],
    ['Jean-Pierre Dupont', 'Jean-Pierre Dupont'],
    ['Contact Us', null],
    ['Ann Arbor Library', null],
    ['ann green', null],
    ['Ann', null],
    ['Ann Green 2', null],
  ]
  for (const [text, name] of PEOPLE) {
    it(`reads ${text} as ${name ?? 'no name'}`, () => {
      expect(readPersonName(text)?.name ?? null).to.equal(name)
    })
  }

  it('knows roles from other short lines', () => {
    const roles = [
      'Sales Manager',
      'President & CEO',
      'Director of Operations',
      'Owner/Photographer',
    ]
    const others = ['Contact Us', 'Our team is here', 'Manager: 12', 'Read more', '']
    expect(roles.filter(isRole)).to.deep.equal(roles)
    expect(others.filter(isRole)).to.deep.equal([])
  })

  it('reads a team list with roles below or beside the names', () => {
    const html = '<ul><li>Ann Green<br>Owner</li><li>Bob Marley Smith - Sales Manager</li></ul>'
    const people = contactsOf(html).map(({ value, role }) => [value, role])
    expect(people).to.deep.equal([
      ['Ann Green', 'Owner'],
      ['Bob Marley Smith', 'Sales Manager'],
    ])
  })

  it('reads a name in prose, but no street or school that is named like one', () => {
    const html =
      '<p>Please contact Max Pulsinelli, Director, at 9 Ann Street or Saint Martin School.</p>'
    expect(contactsOf(html).map(({ value, role }) => [value, role])).to.deep.equal([
      ['Max Pulsinelli', 'Director'],
    ])
  })
})

describe('extract/organizations', () => {
  const HOLDERS: readonly (readonly [line: string, name: string | null])[] = [
    ['Acme Tools. All Rights Reserved.', 'Acme Tools'],
    ['Acme Tools, Inc. | Privacy Policy', 'Acme Tools, Inc.'],
    ['Acme Tools 2013', 'Acme Tools'],
    ['Acme Tools - Site by Studio', 'Acme Tools'],
    ['All rights reserved', null],
    ['reserved by law', null],
  ]
  for (const [line, name] of HOLDERS) {
    it(`reads the holder of "${line}" as ${name ?? 'nobody'}`, () => {
      expect(readCopyrightHolder(line)).to.equal(name)
    })
  }

  const PAGES: readonly (readonly [title: string, html: string, names: readonly string[]])[] = [
    ['og:site_name', '<meta property="og:site_name" content="Acme Tools">', ['Acme Tools']],
    ['a copyright line', '<p>© 2003-2014 Acme Tools. All Rights Reserved.</p>', ['Acme Tools']],
    ['a legal form', '<p>Welcome to Acme Tools, LLC in Denver.</p>', ['Acme Tools, LLC']],
    ['two legal forms', '<p>Acme Korea Co., Ltd. makes tools.</p>', ['Acme Korea Co., Ltd.']],
    ['a title that the host repeats', '<title>Contact | Example</title>', ['Example']],
    ['an addressee', '<p>Acme Tools<br>12 Main Street<br>Denver, CO 80203</p>', ['Acme Tools']],
    ['no maker of the page', '<p>Site design by Studio Nine, LLC.</p>', []],
    ['no maker of the map', '<p>Map data ©2014 Google</p>', []],
    ['no heading above an address', '<h2>Customer Care</h2><p>12 Main Street</p>', []],
  ]
  for (const [title, html, names] of PAGES) {
    it(`reads ${title}`, () => {
      expect(valuesOf('organization', html)).to.deep.equal(names)
    })
  }
})
