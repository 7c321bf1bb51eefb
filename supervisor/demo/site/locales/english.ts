import type { Locale, PageWords } from './locale.js'

const WORDS: PageWords = {
  home: 'Home',
  services: 'Services',
  about: 'About us',
  contact: 'Contact',
  team: 'Our team',
  imprint: 'Legal notice',
  phone: 'Phone',
  fax: 'Fax',
  email: 'Email',
  address: 'Address',
  hours: 'Opening hours',
  hoursText: 'Monday to Friday, 8:00 to 17:30',
  callUs: 'Call us today',
  writeUs: 'Write to us',
  send: 'Send',
  yourName: 'Your name',
  message: 'Your message',
  rights: 'All rights reserved.',
  notFound: 'This page has moved or never existed',
}

const SENTENCES = [
  'Most of our work in {city} comes from people who were sent by a neighbour.',
  'We answer every enquiry on the same working day – in writing, with a price.',
  'Our workshop is open to visitors, and the kettle is always on.',
  'A first visit is free of charge when it takes less than half an hour.',
  'The {trade} trade has changed since we began, and so have our tools.',
  'We keep spare parts for every installation that we have done in the last ten years.',
  'Ask for the “second look”: a check after three months that costs you nothing.',
  'Two of our apprentices now run their own firms, which makes us rather proud.',
  'All estimates are binding, so the invoice holds no surprises.',
  'We work in pairs, because four eyes see more than two.',
  'Since 1987 we have worked in and around {city}, on houses of every age.',
  'Parking is behind the building; the entrance is next to the green gate.',
  'Our vans carry what nine out of ten visits need, so one visit is often enough.',
  'What we cannot repair we replace, and what we replace we take away and recycle.',
  'Please have your order number at hand when you ask about work in progress.',
  'We are insured for work at height and inside listed buildings.',
] as const

const FIRST_NAMES = [
  ...['Alice', 'Martin', 'Grace', 'Oliver', 'Hannah', 'Thomas', 'Nora', 'Samuel', 'Evelyn'],
  ...['Daniel', 'Chloé', 'Peter', 'Rosa', 'Victor', 'Megan', 'Julian', 'Beatrice', 'Owen'],
] as const

const LAST_NAMES = [
  ...['Ashdown', 'Whitcombe', 'Larkin', 'Pemberton', 'Holloway', 'Merrick', 'Stanhope', 'Tilney'],
  ...['Brockhurst', 'Fairweather', 'Garrick', 'Hawthorne', 'Kingsley', 'Locke', 'Marsden', 'Rowe'],
] as const

const ROLES = [
  'Managing Director',
  'Office Manager',
  'Sales Manager',
  'Head of Service',
  'Project Manager',
  'Accountant',
] as const

export const EN_US: Locale = {
  tag: 'en-US',
  country: 'US',
  callingCode: '1',
  phoneFormats: ['({0}) {1}-{2}', '{0}-{1}-{2}', '{0}.{1}.{2}', '+1 {0}-{1}-{2}', '1-{0}-{1}-{2}'],
  cities: [
    { name: 'Seattle', region: 'WA', postcode: '9810#', dial: '206 555 01##' },
    { name: 'Denver', region: 'CO', postcode: '8020#', dial: '303 555 01##' },
    { name: 'Chicago', region: 'IL', postcode: '6060#', dial: '312 555 01##' },
    { name: 'Boston', region: 'MA', postcode: '0211#', dial: '617 555 01##' },
    { name: 'Austin', region: 'TX', postcode: '7870#', dial: '512 555 01##' },
    { name: 'Atlanta', region: 'GA', postcode: '3030#', dial: '404 555 01##' },
    { name: 'Portland', region: 'OR', postcode: '9720#', dial: '503 555 01##' },
    { name: 'New York', region: 'NY', postcode: '1001#', dial: '212 555 01##' },
  ],
  streets: [
    '{n} Harbor Street',
    '{n} West Elm Avenue',
    '{n} Mill Road, Suite 4',
    '{n} Lakeview Drive',
  ],
  cityLine: '{city}, {region} {postcode}',
  trades: [
    'Plumbing',
    'Roofing',
    'Dental Care',
    'Bakery',
    'Landscaping',
    'Law Office',
    'Auto Repair',
  ],
  businessNames: [
    '{brand} {trade}, LLC',
    '{brand} {trade} Inc.',
    '{brand} {trade}',
    '{brand}’s {trade}',
  ],
  firstNames: FIRST_NAMES,
  lastNames: LAST_NAMES,
  roles: ROLES,
  mailboxes: ['info', 'hello', 'office', 'sales', 'contact'],
  domainEndings: ['com', 'net', 'us', 'biz'],
  contactPaths: ['contact', 'contact-us', 'contact.html'],
  words: WORDS,
  sentences: [...SENTENCES, 'A basic check costs $89.50, and the trip within {city} is included.'],
}

export const EN_GB: Locale = {
  tag: 'en-GB',
  country: 'GB',
  callingCode: '44',
  phoneFormats: ['0{0} {1} {2}', '(0{0}) {1} {2}', '+44 {0} {1} {2}', '+44 (0){0} {1} {2}'],
  cities: [
    { name: 'London', region: '', postcode: 'SE1 #PQ', dial: '20 7946 0###' },
    { name: 'Manchester', region: '', postcode: 'M1 #WD', dial: '161 496 0###' },
    { name: 'Leeds', region: '', postcode: 'LS1 #HT', dial: '113 496 0###' },
    { name: 'Bristol', region: '', postcode: 'BS1 #JA', dial: '117 496 0###' },
    { name: 'Birmingham', region: '', postcode: 'B3 #LN', dial: '121 496 0###' },
    { name: 'Edinburgh', region: '', postcode: 'EH2 #DR', dial: '131 496 0###' },
    { name: 'Glasgow', region: '', postcode: 'G2 #BX', dial: '141 496 0###' },
    { name: 'Liverpool', region: '', postcode: 'L2 #RE', dial: '151 496 0###' },
  ],
  streets: ['{n} Chapel Lane', '{n} Station Road', 'Unit {n}, Canal Works', '{n} Queen’s Crescent'],
  cityLine: '{city} {postcode}',
  trades: ['Joinery', 'Plumbing', 'Opticians', 'Veterinary', 'Solicitors', 'Upholstery', 'Café'],
  businessNames: [
    '{brand} {trade} Ltd',
    '{brand} {trade}',
    '{brand} & Sons {trade}',
    'The {brand} {trade}',
  ],
  firstNames: FIRST_NAMES,
  lastNames: LAST_NAMES,
  roles: ROLES,
  mailboxes: ['enquiries', 'info', 'hello', 'office', 'bookings'],
  domainEndings: ['co.uk', 'uk', 'com', 'org.uk'],
  contactPaths: ['contact', 'contact-us', 'find-us'],
  words: { ...WORDS, phone: 'Tel' },
  sentences: [...SENTENCES, 'A basic check costs £79.00 including VAT within ten miles of {city}.'],
}
