import { referenceAt, type SitePlan, type Way } from './plan.js'

const FURNITURE =
  '<link rel="stylesheet" href="/furniture/style.css"><img src="/furniture/picture.png" alt="">' +
  '<style>@font-face{font-family:f;src:url(/furniture/font.woff2)}p{font-family:f}</style>' +
  '<video src="/furniture/film.mp4" autoplay muted></video>'

const page = (title: string, body: string, isFurnished: boolean) =>
  `<!doctype html><html><head><title>${title}</title></head><body>${
    isFurnished ? FURNITURE : ''
  }${body}</body></html>`

export function loginPage(token: string, words: string): string {
  const form =
    `<p id="words">${words}</p><form method="post" action="/login">` +
    `<input name="csrf" type="hidden" value="${token}"><input name="user"><input name="password" ` +
    'type="password"><button id="enter">Enter</button></form>'
  return page('Login', form, false)
}

export const PAGE_ROWS = 50

export function inventoryPage(number: number, plan: SitePlan): string {
  const first = (number - 1) * PAGE_ROWS
  const count = Math.max(0, Math.min(PAGE_ROWS, plan.documents - first))
  const rows = Array.from({ length: count }, (_, row) => {
    const reference = referenceAt(first + row)
    return `<li><a href="/documents/${reference}">${reference}</a></li>`
  })
  const hasNext = first + count < plan.documents
  const next = hasNext ? `<a id="next" href="/inventory?page=${number + 1}">Next</a>` : ''
  return page('Inventory', `<ul>${rows.join('')}</ul>${next}`, plan.hasFurniture)
}

const BUTTONS: { readonly [Name in Way]: (reference: string) => string } = {
  download: (reference) => `<a id="get" href="/files/${reference}" download>Download</a>`,
  tab: (reference) => `<a id="get" href="/view/${reference}" target="_blank">Open</a>`,
  slow: (reference) =>
    `<button id="get" onclick="make()">Generate</button><script>
      async function make() {
        await fetch('/generate/${reference}', { method: 'POST' })
        for (;;) {
          const state = await (await fetch('/state/${reference}')).text()
          if (state === 'ready') break
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        location.href = '/files/${reference}'
      }</script>`,
}

export function documentPage(
  reference: string,
  way: Way,
  of: { readonly plan: SitePlan; readonly hasDialog: boolean; readonly crashes: boolean },
): string {
  const dialog = of.hasDialog ? '<script>alert("Read the terms")</script>' : ''
  const body = `<h1>${reference}</h1>${dialog}<div data-way="${way}">${BUTTONS[way](reference)}</div>`
  return page(of.crashes ? 'crash' : reference, body, of.plan.hasFurniture)
}
