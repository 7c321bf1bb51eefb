// What a page looked like when its document failed: a picture, and its HTML as text. It is a foreign
// page, so nothing of it becomes markup, an address or a script here.

import { element } from './dom.js'
import { count, moment } from './format.js'

const PATH = 'api/items/failure-page'
const WORDS = { picture: 'Picture', html: 'HTML' }
/** How an attempt's error names what it left. */
const NAMED = /\(page: [^()]+\)$/

/** @param options.pages what this machine keeps; undefined where the workflow keeps none. */
export function drawFailurePages(target, { api, name, rounds, pages }) {
  const hint = hintOf(rounds, pages ?? [])
  if (pages === undefined || (pages.length === 0 && hint === null)) {
    target.replaceChildren()
    return
  }
  target.replaceChildren(
    element('h3', {}, 'Pages of failed attempts'),
    ...pages.map((page) => pageOf(page, { api, name })),
    ...(hint === null ? [] : [element('p', { class: 'note' }, hint)]),
  )
}

/** Whoever asks another machine's dashboard, or too late, is not left to wonder. */
function hintOf(rounds, pages) {
  const kept = new Set(pages.map(({ attempt }) => attempt))
  const missing = rounds
    .flatMap(({ attempts }) => attempts)
    .filter(({ attempt, error }) => NAMED.test(error ?? '') && !kept.has(attempt))
  const [one] = missing
  if (one === undefined) return null
  const where = one.node === null ? 'the node that made it' : `${one.node.name} on ${one.node.host}`
  return `The page of attempt ${one.attempt} was kept by ${where}: it is shown by a dashboard there, while it is among the newest.`
}

function pageOf({ attempt, at, parts }, { api, name }) {
  const line = element('div', { class: 'kept' })
  const controls = element('div', { class: 'controls' })
  const shown = element('div', { 'aria-live': 'polite' })
  controls.append(element('span', {}, `Attempt ${attempt}, kept ${moment(Date.parse(at))}`))
  for (const [part, bytes] of Object.entries(parts)) {
    const button = element('button', { type: 'button', 'aria-expanded': 'false' }, WORDS[part])
    button.title = `${count(bytes)} bytes`
    button.addEventListener('click', () => {
      const isOpen = button.getAttribute('aria-expanded') === 'true'
      for (const other of controls.querySelectorAll('button')) {
        other.setAttribute('aria-expanded', String(!isOpen && other === button))
      }
      shown.replaceChildren()
      if (!isOpen) show({ shown, button, api, question: { ...name, attempt, part } })
    })
    controls.append(button)
  }
  line.append(controls, shown)
  return line
}

async function show({ shown, button, api, question }) {
  const { attempt, part } = question
  const words = `The ${part === 'html' ? 'HTML' : 'page'} at attempt ${attempt}`
  let made
  try {
    const bytes = await api.postForBytes(PATH, question)
    made = part === 'html' ? textOf(await bytes.text(), words) : await pictureOf(bytes, words)
  } catch (error) {
    made = element('p', { 'data-tone': 'bad' }, error.message)
  }
  // Another one may have been asked for meanwhile, or none.
  if (button.getAttribute('aria-expanded') === 'true') shown.replaceChildren(made)
}

function textOf(text, words) {
  const attributes = { tabindex: '0', role: 'region', 'aria-label': words }
  return element('pre', attributes, text === '' ? '(empty)' : text)
}

/** Drawn, since the policy of this page lets no picture in that has an address of its own. */
async function pictureOf(bytes, words) {
  let bitmap
  try {
    bitmap = await createImageBitmap(bytes)
  } catch {
    throw new Error('The picture cannot be read: it may have been cut off by a kill.')
  }
  const { width, height } = bitmap
  const canvas = element('canvas', { role: 'img', 'aria-label': words, width, height })
  canvas.getContext('2d').drawImage(bitmap, 0, 0)
  bitmap.close()
  return canvas
}
