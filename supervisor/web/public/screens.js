// Which screen is shown: the fragment names it, `#items?state=Error`, so that a screen with its
// filter is an address that can be kept, and the browser's own way back works.

import { byId } from './dom.js'

export const SCREENS = ['overview', 'workflows', 'nodes', 'hosts', 'items', 'events']

function read() {
  const [name, query = ''] = location.hash.slice(1).split(/\?(.*)/s)
  const known = SCREENS.includes(name) ? name : 'overview'
  return { name: known, fields: Object.fromEntries(new URLSearchParams(query)) }
}

export function currentScreen() {
  return read().name
}

/** Shows the screen of the address, now and whenever it changes. */
export function onScreen(listen) {
  let shown = null
  const show = () => {
    const screen = read()
    for (const name of SCREENS) byId(`screen-${name}`).hidden = name !== screen.name
    for (const link of byId('screens').querySelectorAll('a')) {
      if (link.getAttribute('href') === `#${screen.name}`) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    }
    if (shown !== null && shown !== screen.name) scrollTo(0, 0)
    shown = screen.name
    listen(screen)
  }
  addEventListener('hashchange', show)
  show()
}
