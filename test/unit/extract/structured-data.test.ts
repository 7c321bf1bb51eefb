import { expect } from 'chai'
import type { ExtractedContact } from '../../../src/extract/contact.js'
import { contactsOf } from './probe.js'

const jsonLd = (data: unknown): string =>
  `<script type="application/ld+json">${JSON.stringify(data)}</script>`
const brief = ({ kind, value, name, role, foundIn }: ExtractedContact) => ({
  kind,
  value,
  name,
  role,
  foundIn,
})
const owned = (name: string | null, role: string | null = null) => ({ name, role })

describe('extract/structured data', () => {
  it('reads organisations, people and contact points of a JSON-LD graph', () => {
    const html = jsonLd({
      '@context': 'https://schema.org',
      '@graph': [
        {
          '@type': ['LocalBusiness', 'Dentist'],
          name: 'Acme Dental',
          telephone: '+1 303 824 4000',
          faxNumber: '303-824-4001',
          email: 'mailto:info@example.com',
          sameAs: ['https://twitter.com/acme'],
          address: { '@type': 'PostalAddress', addressCountry: 'US' },
          contactPoint: { '@type': 'ContactPoint', contactType: 'sales', telephone: '3038244002' },
          employee: { '@type': 'Person', name: 'Ann Green', jobTitle: 'Hygienist' },
        },
      ],
    })
    const foundIn = 'json-ld'
    expect(contactsOf(html).map(brief)).to.have.deep.members([
      { kind: 'organization', value: 'Acme Dental', ...owned(null), foundIn },
      { kind: 'phone', value: '+13038244000', ...owned('Acme Dental'), foundIn },
      { kind: 'fax', value: '+13038244001', ...owned('Acme Dental'), foundIn },
      { kind: 'email', value: 'info@example.com', ...owned('Acme Dental'), foundIn },
      { kind: 'social', value: 'https://x.com/acme', ...owned('Acme Dental'), foundIn },
      { kind: 'phone', value: '+13038244002', ...owned('Acme Dental', 'sales'), foundIn },
      { kind: 'person', value: 'Ann Green', name: null, role: 'Hygienist', foundIn },
    ])
  })

  it('reads JSON-LD with comments, trailing commas and line breaks in strings', () => {
    const html = `<script type="application/ld+json"><!-- {"@type":"Organization",
      "name":"Acme\n Dental","email":"info@example.com",} --></script>`
    expect(contactsOf(html).map(({ value }) => value)).to.have.members([
      'Acme Dental',
      'info@example.com',
    ])
  })

  it('says nothing about JSON-LD that is no JSON, or no object', () => {
    const html = '{oops 7 "text" [] [[null]]'
      .split(' ')
      .map((source) => `<script type="application/ld+json">${source}</script>`)
      .join('')
    expect(contactsOf(html)).to.deep.equal([])
  })

  it('leaves out the authors of reviews', () => {
    const review = { '@type': 'Review', author: { '@type': 'Person', name: 'Jo Smith' } }
    const html = jsonLd({ '@type': 'Organization', name: 'Acme Dental', review })
    expect(contactsOf(html).map(({ value }) => value)).to.deep.equal(['Acme Dental'])
  })

  it('reads microdata', () => {
    const html = `<div itemscope itemtype="https://schema.org/Store">
      <b itemprop="name">Acme Tools</b>
      <meta itemprop="telephone" content="303-824-4000">
      <span itemprop="faxNumber">303-824-4001</span>
      <a itemprop="email" href="mailto:info@example.com">mail</a>
      <p itemprop="employee" itemscope itemtype="https://schema.org/Person">
        <i itemprop="name">Ann Green</i>, <i itemprop="jobTitle">Owner</i></p></div>`
    const found = contactsOf(html).map(({ kind, value }) => `${kind} ${value}`)
    expect(found).to.have.members([
      'organization Acme Tools',
      'phone +13038244000',
      'fax +13038244001',
      'email info@example.com',
      'person Ann Green',
    ])
  })

  it('reads RDFa', () => {
    const html = `<div vocab="https://schema.org/" typeof="Organization">
      <span property="name">Acme Tools</span>
      <span property="telephone">303-824-4000</span></div>`
    const found = contactsOf(html).map(({ value, foundIn }) => `${value} ${foundIn}`)
    expect(found).to.deep.equal(['Acme Tools rdfa', '+13038244000 rdfa'])
  })

  it('reads h-card and hCard, faxes by their type', () => {
    const html = `<div class="vcard"><span class="fn">Ann Green</span>
      <span class="title">Owner</span>
      <span class="org">Acme Tools</span> <a class="email" href="mailto:ann@example.com">mail</a>
      <span class="tel"><span class="type">Fax</span>:
        <span class="value">303-824-4001</span></span>
      <span class="tel"><span class="type">Work</span>:
        <span class="value">303-824-4000</span></span></div>`
    const found = contactsOf(html).map(({ kind, value, role }) => `${kind} ${value} ${role}`)
    expect(found).to.have.members([
      'person Ann Green Owner',
      'organization Acme Tools null',
      'email ann@example.com Owner',
      'fax +13038244001 Owner',
      'phone +13038244000 Owner',
    ])
  })
})
