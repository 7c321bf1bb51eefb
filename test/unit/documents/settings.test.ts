import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { assemble } from '../../../config/load.js'
import { PROTOCOL_VERSION } from '../../../src/actor/messages.js'
import { BLOCKED_TYPES } from '../../../src/core/document-options.js'
import { createBlocker } from '../../../src/documents/blocking.js'
import { checkBrowser } from '../../../supervisor/documents/find-browser.js'
import { documentOptionsOf, settingsFor } from '../../../supervisor/documents/settings.js'
import { serviceOptionsOf } from '../../../supervisor/workflow-options.js'
import { parseToWorker } from '../../../workers/parse-message.js'

function load(environment: { readonly [name: string]: string } = {}, flags = {}) {
  return assemble({ flags, environment, cwd: '/app' }, null).settings
}

async function messageOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => '',
    (error: unknown) => String(error),
  )
}

describe('documents/settings', () => {
  it('reads the names that operators already set', () => {
    const settings = load({
      CONCURRENT_CONTEXTS: '3',
      BLOCK_RESOURCES: 'true',
      HEADLESS: 'false',
      MAX_DOWNLOADS: '100',
    })
    expect(settings).to.include({ contexts: 3, headless: false, maxDocuments: 100 })
    expect(settings.blockTypes).to.deep.equal(BLOCKED_TYPES)
    expect(load({ BLOCK_RESOURCES: 'false' }).blockTypes).to.deep.equal([])
    const own = load({ BLOCK_RESOURCES: 'true', FETCHYARD_BLOCK: 'image,font' })
    expect(own.blockTypes).to.deep.equal(['image', 'font'])
    expect(() => load({ BLOCK_RESOURCES: 'maybe' })).to.throw('true or false')
    expect(() => load({}, { block: 'images' })).to.throw('stylesheet, image, font, media')
  })

  it('works as many documents at once as there are contexts, in a process', () => {
    const plain = load({}, { contexts: 4 })
    expect(settingsFor('documents', plain)).to.equal(plain)
    const sited = load({}, { contexts: 4, site: 's.mjs', executor: 'both', assign: 'round-robin' })
    expect(settingsFor('contacts', sited)).to.equal(sited)
    const { seats, hosts } = serviceOptionsOf(sited, {
      name: 'documents',
      moduleUrl: 'file:///d.js',
    })
    expect(seats.map(({ kind, slots }) => [kind, slots])).to.deep.equal([['process', 4]])
    expect(hosts?.concurrency).to.equal(1)
  })

  it('tells its options to workers of documents, and to no others', () => {
    const settings = load({ FETCHYARD_SITE_USER: 'u', FETCHYARD_SITE_PASSWORD: 'p' })
    expect(documentOptionsOf('contacts', settings)).to.deep.equal({})
    const moduleUrl = 'file:///d.js'
    const { workerOptions } = serviceOptionsOf(settings, { name: 'documents', moduleUrl })
    expect(workerOptions.documents).to.include({ user: 'u', password: 'p', siteModule: null })
    const options = { ...workerOptions, workerId: 'w', slots: 1 }
    const setup = { type: 'setup', protocolVersion: PROTOCOL_VERSION, options }
    expect(parseToWorker(structuredClone(setup))).to.deep.equal(setup)
    for (const spoilt of [
      { contexts: 0 },
      { blockedTypes: ['x'] },
      { user: 1 },
      { directory: null },
    ]) {
      const documents = { ...workerOptions.documents, ...spoilt }
      const message = { ...setup, options: { ...options, documents } }
      expect(parseToWorker(message), JSON.stringify(spoilt)).to.equal(null)
    }
  })

  it('names what a site module needs and is not installed', async () => {
    const siteModule = fileURLToPath(import.meta.url)
    const none = { siteModule, browserPath: '/nowhere/chromium' }
    expect(await messageOf(checkBrowser(none))).to.contain('Install the package chromium')
    const here = { siteModule, browserPath: process.execPath }
    const missing = () => Promise.reject(new Error('Cannot find package'))
    expect(await messageOf(checkBrowser(here, missing))).to.contain('npm install playwright-core')
    expect(await messageOf(checkBrowser(here))).to.equal('')
    const lost = { ...here, siteModule: '/nowhere/site.mjs' }
    expect(await messageOf(checkBrowser(lost))).to.contain('no site module at /nowhere/site.mjs')
    expect(await messageOf(checkBrowser({ ...none, siteModule: null }, missing))).to.equal('')
  })

  it('blocks by type and by parts of URLs', () => {
    const blockedPatterns = ['/ads/*.js', 'track.']
    const isBlocked = createBlocker({ blockedTypes: ['image'], blockedPatterns })
    expect(isBlocked('image', 'https://a.example/x')).to.equal(true)
    expect(isBlocked('script', 'https://a.example/ads/x/y.js')).to.equal(true)
    expect(isBlocked('script', 'https://a.example/y.js')).to.equal(false)
    expect(isBlocked('document', 'https://track.example/')).to.equal(true)
    expect(isBlocked('document', 'https://trackxexample/')).to.equal(false)
  })
})
