import { ASSIGNMENTS, BLOCKED_TYPES } from '../../src/core/document-options.js'
import { LIMITS } from '../../src/core/limits.js'
import { choice, count, duration, optional, size, text, toggle } from '../option.js'
import { words } from '../option-lists.js'

const group = 'documents'

/** What blocking meant where it was a switch. */
function readSwitch(given: string) {
  const word = given.trim().toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(word)) return { value: BLOCKED_TYPES }
  if (['false', '0', 'no', 'off'].includes(word)) return { value: [] }
  return { rule: 'true or false' }
}

const path = (name: string, sentence: string) =>
  text({
    group,
    name,
    sentence,
    default: '',
    pattern: /^[^\0]{1,4096}$/,
    rule: 'a path of 1 to 4096 characters',
  })

const secret = (name: string, sentence: string) =>
  optional(
    text({
      group,
      name,
      isSecret: true,
      sentence,
      default: '',
      pattern: /^[^\0]{1,512}$/,
      rule: '1 to 512 characters',
    }),
    { meaning: 'none' },
  )

export const DOCUMENT_OPTIONS = {
  documentDirectory: {
    ...path('document-directory', 'Directory that documents are saved in.'),
    default: 'documents',
  },
  siteModule: optional(
    path('site', 'Module that knows the site that documents come from; needs a browser.'),
    { meaning: 'documents are plain URLs' },
  ),
  siteUser: secret('site-user', 'User that the site module logs in as. It has no flag.'),
  sitePassword: secret('site-password', 'Password of that user. It has no flag.'),
  contexts: count({
    group,
    name: 'contexts',
    sentence:
      'Browser contexts on this node, each with a login of its own and one document at a time.',
    default: 5,
    environment: ['CONCURRENT_CONTEXTS'],
    bounds: { min: 1, max: LIMITS.contextsMax },
  }),
  assign: choice({
    group,
    name: 'assign',
    sentence:
      'Whether references come to whichever context is free, or to one that is fixed before the ' +
      'start.',
    default: 'dynamic',
    choices: ASSIGNMENTS,
  }),
  maxDocuments: optional(
    count({
      group,
      name: 'max-documents',
      sentence: 'Documents that one `documents run` asks for; those that are there do not count.',
      default: 100,
      environment: ['MAX_DOWNLOADS'],
      bounds: { min: 1, max: 10_000_000 },
    }),
    { meaning: 'all' },
  ),
  browserPath: optional(path('browser', 'Program of the browser: a Chromium.'), {
    meaning: 'the one that is installed',
  }),
  headless: toggle({
    group,
    name: 'headless',
    sentence: 'Whether the browser shows no window.',
    default: true,
    environment: ['HEADLESS'],
  }),
  blockTypes: words({
    group,
    name: 'block',
    sentence: 'Types of requests that pages do without.',
    default: [],
    words: BLOCKED_TYPES,
    aliases: [
      { name: 'BLOCK_RESOURCES', read: readSwitch, note: '`true` means all types, `false` none' },
    ],
  }),
  blockPatterns: words<string>({
    group,
    name: 'block-urls',
    sentence: 'Parts of URLs that pages do without; `*` stands for any characters.',
    default: [],
    words: null,
  }),
  stepTimeoutMs: duration({
    group,
    name: 'step-timeout',
    sentence: 'Most time for one step of a site module: logging in, opening, saving.',
    default: 60_000,
    bounds: { min: 100, max: 3_600_000 },
  }),
  contextPages: count({
    group,
    name: 'context-documents',
    sentence: 'Documents after which a browser context is replaced, keeping its login.',
    default: 100,
    bounds: { min: 1, max: 100_000 },
  }),
  contextAgeMs: duration({
    group,
    name: 'context-age',
    sentence: 'Time after which a browser context is replaced, keeping its login.',
    default: 1_800_000,
    bounds: { min: 1_000, max: 86_400_000 },
  }),
  browserMb: size({
    group,
    name: 'browser-memory',
    sentence: 'Memory of the browser above which its contexts move to a new one.',
    default: 1_536,
    bounds: { min: 64, max: 1_048_576 },
  }),
  documentBytesMin: count({
    group,
    name: 'document-min',
    sentence: 'Bytes that a document has at least.',
    default: 100,
    bounds: { min: 0, max: 1_000_000_000 },
  }),
  documentMb: size({
    group,
    name: 'document-max',
    sentence: 'Size that a document has at most.',
    default: 50,
    bounds: { min: 1, max: LIMITS.streamBytesMax / 1_048_576 },
  }),
  failurePages: toggle({
    group,
    name: 'failure-pages',
    sentence: 'Keep a picture and the HTML of a page whose document failed.',
    default: false,
  }),
} as const
