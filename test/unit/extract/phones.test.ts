import { expect } from 'chai'
import { contactsOf, valuesOf } from './probe.js'

interface NumberProbe {
  readonly title: string
  readonly html: string
  readonly phones?: readonly string[]
  readonly faxes?: readonly string[]
  readonly url?: string
}

const GERMAN = 'https://firma.de/kontakt'
const BRITISH = 'https://firm.co.uk/contact'
const FRENCH = 'https://societe.fr/contact'

const PROBES: readonly NumberProbe[] = [
  { title: 'a trunk zero in brackets', html: '+49 (0)30 123 45-678', phones: ['+493012345678'] },
  { title: 'pairs of digits', html: '+33 1 23 45 67 89', phones: ['+33123456789'] },
  {
    title: 'a French number on a French page',
    html: 'Tél. 01 23 45 67 89',
    url: FRENCH,
    phones: ['+33123456789'],
  },
  {
    title: 'a German number on a German page',
    html: 'Tel.: 030 / 1234567',
    url: GERMAN,
    phones: ['+49301234567'],
  },
  {
    title: 'a British number on a British page',
    html: '020 7433 3338',
    url: BRITISH,
    phones: ['+442074333338'],
  },
  {
    title: 'a national number by the address beside it',
    html: '<p>10 High St, London N1 9GU, United Kingdom<br>Tel 020 7433 3338</p>',
    phones: ['+442074333338'],
  },
  {
    title: 'a national number by the country of structured data',
    html: `<script type="application/ld+json">
      {"@type":"PostalAddress","addressCountry":"DE"}</script>
      <p>Telefon 030 1234567</p>`,
    phones: ['+49301234567'],
  },
  {
    title: 'a language as a hint of the country',
    html: '<html lang="de"><p>Telefon 030 1234567',
    phones: ['+49301234567'],
  },
  { title: '00 in place of the plus', html: 'Tel 0049 30 1234567', phones: ['+49301234567'] },
  {
    title: 'country code and trunk zero side by side',
    html: '+44 0844 800 0357',
    phones: ['+448448000357'],
  },
  { title: 'brackets', html: '(303) 824-4000', phones: ['+13038244000'] },
  { title: 'dots', html: '305.695.8411', phones: ['+13056958411'] },
  { title: 'a plus inside brackets', html: '(+44) 20 7433 3338', phones: ['+442074333338'] },
  { title: 'bare digits with a label', html: 'Phone: 3038244000', phones: ['+13038244000'] },
  { title: 'words on the keys', html: 'Call 1-800-FLOWERS today', phones: ['+18003569377'] },
  { title: 'four letters at the end', html: '303.333.PAUL', phones: ['+13033337285'] },
  { title: 'words and digits', html: '1-866-MCCAIN1', phones: ['+18666222461'] },
  { title: 'an extension', html: '(303) 824-4000 ext. 12', phones: ['+13038244000;ext=12'] },
  { title: 'a short extension', html: '530.820.3090 x410', phones: ['+15308203090;ext=410'] },
  {
    title: 'two numbers with a slash',
    html: 'Tel 020 7515 7774 / 020 7515 7779',
    url: BRITISH,
    phones: ['+442075157774', '+442075157779'],
  },
  {
    title: 'a tel link with an extension',
    html: '<a href="tel:+1-303-824-4000;ext=12">Call</a>',
    phones: ['+13038244000;ext=12'],
  },
  {
    title: 'a tel link of a number nobody has',
    html: '<a href="tel:+1-555-123-4567;ext=12">Call</a>',
    phones: ['+15551234567;ext=12'],
  },
  {
    title: 'an encoded tel link',
    html: '<a href="tel:+1%20303%20824%204000">Call</a>',
    phones: ['+13038244000'],
  },
  { title: 'other schemes', html: '<a href="callto:+13038244000">x</a>', phones: ['+13038244000'] },
  {
    title: 'a tel link and its text once',
    html: '<a href="tel:3038244000">(303) 824-4000</a>',
    phones: ['+13038244000'],
  },
  {
    title: 'a fax by the word before it',
    html: 'Phone: 201-292-3200 Fax: 201-346-5630',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'a fax by one letter',
    html: 'T: 201-292-3200 | F: 201-346-5630',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'a fax by the word behind it',
    html: '201-292-3200 (phone)<br>201-346-5630 (fax)',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'labels that run on',
    html: 'Tel: (202) 623-3900Fax: (202) 623-3815',
    phones: ['+12026233900'],
    faxes: ['+12026233815'],
  },
  {
    title: 'a fax by the cell before it',
    html: '<table><tr><td>Fax</td><td>201-346-5630</td></tr></table>',
    faxes: ['+12013465630'],
  },
  {
    title: 'a fax by the line above it',
    html: '<dt>Telefax</dt><dd>201-346-5630</dd>',
    faxes: ['+12013465630'],
  },
  {
    title: 'faxes by their heading',
    html: '<h4>Fax Numbers</h4>201-346-5630 (North)<br>201-346-5631 (South)',
    faxes: ['+12013465630', '+12013465631'],
  },
  {
    title: 'a fax by its icon',
    html: '<i class="fa fa-phone"></i> 201-292-3200 <i class="fa fa-fax"></i> 201-346-5630',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'a fax by its picture',
    html: '<p><img src="/img/phone.gif"> 201-292-3200<br><img src="/img/fax.gif"> 201-346-5630</p>',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'a fax by its class',
    html: '<span class="fax">201-346-5630</span>',
    faxes: ['+12013465630'],
  },
  {
    title: 'Telefax in German',
    html: 'Telefon 030 1234567, Telefax 030 1234568',
    url: GERMAN,
    phones: ['+49301234567'],
    faxes: ['+49301234568'],
  },
  {
    title: 'Fx',
    html: 'Ph 201-292-3200 Fx 201-346-5630',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'a number for both as a phone',
    html: 'Phone/Fax: 201-292-3200',
    phones: ['+12012923200'],
  },
  {
    title: 'a fax by the aside behind it, when the first number has one too',
    html: '(201) 292-3200 (tel) (201) 346-5630 (fax)',
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  {
    title: 'a fax by the heading of its column',
    html: `<table><tr><th>Name<th>Phone<th>Fax</tr>
      <tr><td>East<td>201-292-3200<td>201-346-5630</tr></table>`,
    phones: ['+12012923200'],
    faxes: ['+12013465630'],
  },
  { title: 'a lost bracket', html: 'Call 303) 824-4000', phones: ['+13038244000'] },
  { title: 'dates', html: '2024.05.06, 2024-05-06, 06/05/2024, 06.05.2024 10:30' },
  { title: 'years', html: '1999-2004, 2019 - 2024' },
  { title: 'prices', html: '10.000.000, $1,234,567.89, 1 234 567,00, €1234567' },
  {
    title: 'an IP address',
    html: '192.168.100.200, your address: 52.167.214.238, phone 10.20.30.40',
  },
  { title: 'an IBAN', html: 'IBAN: DE89 3704 0044 0532 0130 00 GB29NWBK60161331926819' },
  { title: 'a card', html: '4111 1111 1111 1111' },
  { title: 'a postcode', html: '95050-2624' },
  {
    title: 'numbers that identify',
    html: 'Company No. 01234567, VAT 123 4567 89, ISBN 978-3-16-148410-0, Order #3038244000',
  },
  { title: 'bare digits in prose', html: '<p>There were 3038244000 of them in item 1234567.</p>' },
  { title: 'a house number', html: '<p>Contact Us</p><p>101-1305 Welch St</p>' },
  {
    title: 'numbers in links and identifiers',
    html: '<a href="/item/3038244000">go</a><p>/img/303-824-4000.png id_3038244000</p>',
  },
]

describe('extract/phones', () => {
  for (const { title, html, phones = [], faxes = [], url = 'https://firm.com/' } of PROBES) {
    const verb = phones.length + faxes.length === 0 ? 'leaves out' : 'reads'
    it(`${verb} ${title}`, () => {
      expect(valuesOf('phone', html, url)).to.deep.equal(phones)
      expect(valuesOf('fax', html, url)).to.deep.equal(faxes)
    })
  }

  it('shows a number as the page does', () => {
    const [contact] = contactsOf('<a href="tel:+13038244000">(303) 824-4000</a>')
    expect(contact).to.include({ value: '+13038244000', shown: '(303) 824-4000', foundIn: 'tel' })
  })

  it('trusts a number that no plan knows less', () => {
    const [known] = contactsOf('Tel: 303-824-4000')
    const [unknown] = contactsOf('Tel: 555-555-0100')
    expect(unknown?.value).to.equal('+15555550100')
    expect(unknown?.confidence).to.be.below(known?.confidence ?? 0)
  })
})
