// What a site module imports.

export { FetchFailure } from '../fetch/failure.js'
export type { Credentials, DocumentSource, Site, SiteTools } from './site.js'
export { defineSite } from './site.js'
