// Orders of a person: who gives them, asking before what cannot be undone, and what became of them.

import { byId, setText } from './dom.js'
import { count } from './format.js'

const NAME_KEY = 'fetchyard.name'
/** Items from which on a click is not enough. */
const TYPE_FROM = 1_000

/** Says what became of the last order; it stays until the next. */
export function say(words, tone = 'quiet') {
  byId('said').dataset.tone = tone
  setText('said', words)
}

/**
 * Asks before an order.
 *
 * @param question.type a word to be typed before Yes; none: a click is enough.
 */
export function ask({ title, words, yes, type = null, isDanger = true }) {
  const dialog = byId('ask')
  setText('ask-title', title)
  setText('ask-words', words)
  setText('ask-yes', yes)
  byId('ask-yes').classList.toggle('danger', isDanger)
  setText('ask-word', type ?? '')
  const input = byId('ask-input')
  byId('ask-type').hidden = type === null
  input.value = ''
  const check = () => {
    byId('ask-yes').disabled = type !== null && input.value !== type
  }
  input.oninput = check
  check()
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes')
  })
}

/** Sends orders one after the other. */
export function createOrders(api) {
  const name = byId('steer-name')
  name.value = localStorage.getItem(NAME_KEY) ?? ''
  name.addEventListener('change', () => localStorage.setItem(NAME_KEY, name.value.trim()))
  let isUnderWay = false
  const by = () => (name.value.trim() === '' ? {} : { by: name.value.trim() })
  const alone = async (words, work) => {
    if (isUnderWay) return false
    isUnderWay = true
    say(words)
    try {
      say(await work(), 'good')
      return true
    } catch (error) {
      say(error.message, 'bad')
      return false
    } finally {
      isUnderWay = false
    }
  }
  return {
    /** An order to a workflow. @returns whether it was carried out. */
    steer: (workflow, verb, fields) =>
      alone(`${workflow}: ${verb} …`, async () => {
        const path = `api/workflows/${workflow}/${verb}`
        const { words } = await api.post(path, { ...fields, ...by() })
        return words
      }),
    /** An order to one item. */
    actOnItem: (deed) =>
      alone(`${deed.action} …`, async () => {
        const { words } = await api.post('api/items/act', { ...deed, ...by() })
        return words
      }),
    /** An order to all items that match, in as many requests as it takes. */
    actOnAll: (deed) =>
      alone(`${deed.action} …`, async () => {
        let items = 0
        let after = null
        do {
          const told = await api.post('api/items/act', { ...deed, ...by(), after })
          items += told.items
          after = told.next
          say(`${DONE[deed.action]} ${count(items)} items${after === null ? '.' : ' so far …'}`)
        } while (after !== null)
        return `${DONE[deed.action]} ${count(items)} ${items === 1 ? 'item' : 'items'}.`
      }),
  }
}

const DONE = { cancel: 'Cancelled', promote: 'Made ready now', retry: 'Asked again for' }
const ASKED = {
  cancel:
    'They end for good, whether they wait or are being worked. Results that workers still bring are refused.',
  promote: 'They no longer wait for their time, and may be asked too early.',
  retry: 'Each gets its next round: it is fetched, and paid for, once more.',
}
const TITLES = { cancel: 'Cancel', promote: 'Run now', retry: 'Retry' }

/** The question before an order to all that match, with the count. */
export function askAboutAll({ action, found, about, workflow }) {
  const { items, isWhole } = found
  const many = `${isWhole ? '' : 'at least '}${count(items)} ${items === 1 && isWhole ? 'item' : 'items'}`
  return ask({
    title: `${TITLES[action]} ${many}?`,
    words: `${about} ${ASKED[action]}`,
    yes: `${TITLES[action]} ${many}`,
    type: items >= TYPE_FROM && action === 'cancel' ? workflow : null,
    isDanger: action === 'cancel',
  })
}
