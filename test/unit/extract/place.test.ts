import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readPlace } from '../../../src/extract/place.js'
import { makePlace } from '../../../supervisor/demo/places-api/made-place.js'

describe('extract/place', () => {
  it('fills the columns from what the API tells, and keeps all of it', () => {
    const place = {
      id: 'ChIJnew',
      displayName: { text: 'Joe’s', languageCode: 'en' },
      formattedAddress: '1 Main St, Springfield, IL 62701, USA',
      addressComponents: [
        { longText: '1', shortText: '1', types: ['street_number'] },
        { longText: 'Main Street', shortText: 'Main St', types: ['route'] },
        { longText: 'Springfield', shortText: 'Springfield', types: ['locality', 'political'] },
        { longText: 'Illinois', shortText: 'IL', types: ['administrative_area_level_1'] },
        { longText: '62701', shortText: '62701', types: ['postal_code'] },
        { longText: 'United States', shortText: 'US', types: ['country', 'political'] },
      ],
      location: { latitude: 39.78, longitude: -89.65 },
      types: ['bakery', 'store'],
      rating: 4.5,
      userRatingCount: 12,
      utcOffsetMinutes: -300,
      websiteUri: ' https://joes.com/ ',
    }
    const row = readPlace(place)
    expect(row).to.include({
      current_place_id: 'ChIJnew',
      name: 'Joe’s',
      street_number: '1',
      street: 'Main Street',
      city: 'Springfield',
      region: 'Illinois',
      postal_code: '62701',
      country_code: 'US',
      latitude: 39.78,
      longitude: -89.65,
      rating: 4.5,
      rating_count: 12,
      utc_offset_minutes: -300,
      website: 'https://joes.com/',
      phone: null,
      price_level: null,
    })
    expect(row.types).to.deep.equal(['bakery', 'store'])
    expect(row.raw).to.deep.equal(place)
  })

  it('fills every column from a whole place', () => {
    const row = readPlace(makePlace('ChIJplace_0001', 'https://example.com/'))
    const empty = Object.entries(row).filter(([, value]) => value === null)
    expect(empty).to.deep.equal([])
  })

  it('makes a town of what is one where there are no localities', () => {
    const town = { longText: 'Leeds', types: ['postal_town'] }
    expect(readPlace({ addressComponents: [town] })).to.include({ city: 'Leeds' })
  })

  it('makes nothing of values of another type', () => {
    const odd = {
      id: 7,
      displayName: 'x',
      addressComponents: { types: 'x' },
      location: [1, 2],
      rating: 'good',
      userRatingCount: 1.5,
      utcOffsetMinutes: 1e20,
      websiteUri: '  ',
    }
    const { raw, ...row } = readPlace(odd)
    expect(Object.values(row).filter((value) => value !== null)).to.deep.equal([])
    expect(raw).to.deep.equal(odd)
  })
})
