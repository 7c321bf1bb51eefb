import { fileURLToPath } from 'node:url'

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../workflows/${name}.js`, import.meta.url))

/** Path of the workflow that fetches a page and keeps nothing of it. */
export const LIGHT_PAGES = pathOf('light-pages')

/** Path of the workflow that does what the peers of `bench:fetch` do. */
export const LIGHT_CONTACTS = pathOf('light-contacts')

/** Path of the workflow that does nothing with its items. */
export const NO_OP = pathOf('no-op')

/** Path of the workflow that notes how long an item waited for its start. */
export const ARRIVALS = pathOf('arrivals')
