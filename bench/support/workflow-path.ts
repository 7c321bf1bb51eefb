import { fileURLToPath } from 'node:url'

/** Path of the workflow that fetches a page and keeps nothing of it. */
export const LIGHT_PAGES = fileURLToPath(new URL('../workflows/light-pages.js', import.meta.url))
