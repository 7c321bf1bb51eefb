// Keys and the buttons that do the same. None of them orders anything.

import { byId, setText } from './dom.js'
import { currentScreen, SCREENS } from './screens.js'

const THEME_KEY = 'fetchyard.theme'
const THEMES = ['system', 'light', 'dark']
const THEME_WORDS = { system: 'Theme', light: 'Light', dark: 'Dark' }
/** What `/` goes to on each screen. */
const FILTERS = { hosts: 'hosts-filter', items: 'items-text', events: 'events-level' }

export function listenForKeys({ freeze, zone, moveItem }) {
  showTheme(localStorage.getItem(THEME_KEY) ?? 'system')
  const keys = {
    r: freeze,
    z: zone,
    t: nextTheme,
    '?': () => byId('help').showModal(),
    '/': () => byId(FILTERS[currentScreen()] ?? '')?.focus(),
    j: () => moveItem(1),
    k: () => moveItem(-1),
  }
  byId('freeze').addEventListener('click', freeze)
  byId('zone').addEventListener('click', zone)
  byId('theme').addEventListener('click', nextTheme)
  byId('help-open').addEventListener('click', keys['?'])
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const screen = SCREENS[Number(event.key) - 1]
    if (screen !== undefined) location.hash = `#${screen}`
    else if (Object.hasOwn(keys, event.key)) keys[event.key]()
    else return
    event.preventDefault()
  })
}

function isTyping(target) {
  return target instanceof Element && target.closest('input, select, textarea, dialog') !== null
}

function nextTheme() {
  const now = THEMES.indexOf(localStorage.getItem(THEME_KEY) ?? 'system')
  const next = THEMES[(now + 1) % THEMES.length]
  localStorage.setItem(THEME_KEY, next)
  showTheme(next)
}

function showTheme(theme) {
  const known = THEMES.includes(theme) ? theme : 'system'
  document.documentElement.dataset.theme = known
  setText('theme', THEME_WORDS[known])
  dispatchEvent(new Event('fetchyard:theme'))
}
