import { randomInteger } from '../../../src/core/random.js'
import { pick, randomFor } from './dealing.js'
import { type DemoPage, prefixOf, type Site } from './directory.js'

/** What an address of the demo leads to. */
export type Route =
  | { readonly type: 'page'; readonly site: Site; readonly page: DemoPage }
  | { readonly type: 'redirect'; readonly site: Site; readonly status: number; readonly to: string }

export interface RouteTable {
  /** Absolute URLs at which a run finds the pages, site by site. */
  readonly entries: readonly { readonly url: string; readonly page: DemoPage }[]
  /** Routes by host (without port) and path. */
  readonly routes: ReadonlyMap<string, Route>
}

export interface Place {
  readonly seed: number
  readonly host: string
  readonly port: number
}

const REDIRECT_STATUSES = [301, 302, 302, 307, 308] as const
const LOCATION_FORMS = ['relative', 'path', 'url'] as const

/** Hosts that the other sites share: on a single one, who refuses for one would do so for all. */
const SHARED_HOSTS = 25

export function hostOf({ hasOwnHost, business: { slug } }: Site, { seed }: Place): string {
  if (hasOwnHost) return `${slug}.localhost`
  const shared = randomInteger(randomFor(seed, `host of ${slug}`), { min: 1, max: SHARED_HOSTS })
  return `hosting-${shared}.localhost`
}

export function originOf(site: Site, place: Place): string {
  return `http://${hostOf(site, place)}:${place.port}`
}

/** Key of `RouteTable.routes`. */
export function routeKey(host: string, path: string): string {
  return `${host.toLowerCase()} ${path}`
}

/** Paths that lead to a page, from the one in the directory to that of the page itself. */
function pathsOf(page: DemoPage): string[] {
  const { behaviour, path } = page
  const leaf = path === '/' ? 'index.html' : path.slice(1)
  const hops = behaviour.kind === 'redirect' ? behaviour.hops : 0
  const moved = Array.from({ length: hops }, (_none, at) => `/moved-${at + 1}/${leaf}`)
  return [path, ...moved]
}

/** A Location header in one of the forms that servers use. */
function locationOf(
  form: (typeof LOCATION_FORMS)[number],
  step: { readonly from: string; readonly to: string; readonly site: Site; readonly place: Place },
): string {
  const target = `${prefixOf(step.site)}${step.to}`
  if (form === 'path') return target
  if (form === 'url') return `${originOf(step.site, step.place)}${target}`
  return step.from.startsWith('/moved-') ? `..${step.to}` : step.to.slice(1)
}

function addPage(
  routes: Map<string, Route>,
  at: { readonly site: Site; readonly page: DemoPage; readonly place: Place },
): void {
  const { site, page, place } = at
  const random = randomFor(place.seed, `redirects of ${page.id}`)
  const keyOf = (path: string) => routeKey(hostOf(site, place), `${prefixOf(site)}${path}`)
  const addRedirect = (from: string, to: string): void => {
    const status = pick(random, REDIRECT_STATUSES)
    const location = locationOf(pick(random, LOCATION_FORMS), { from, to, site, place })
    routes.set(keyOf(from), { type: 'redirect', site, status, to: location })
  }
  if (page.behaviour.kind === 'redirect-loop') {
    const turn = `/moved-${randomInteger(random, { min: 1, max: 9 })}/again`
    addRedirect(page.path, turn)
    addRedirect(turn, page.path)
    return
  }
  const paths = pathsOf(page)
  for (const [step, path] of paths.entries()) {
    const next = paths[step + 1]
    if (next === undefined) routes.set(keyOf(path), { type: 'page', site, page })
    else addRedirect(path, next)
  }
}

/** Lays out the addresses of a directory on a server that listens at `place`. */
export function makeRoutes(sites: readonly Site[], place: Place): RouteTable {
  const routes = new Map<string, Route>()
  const entries = sites.flatMap((site) =>
    [site.home, site.contact].map((page) => {
      addPage(routes, { site, page, place })
      return { url: `${originOf(site, place)}${prefixOf(site)}${page.path}`, page }
    }),
  )
  return { entries, routes }
}
