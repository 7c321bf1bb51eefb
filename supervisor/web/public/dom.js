const SVG = 'http://www.w3.org/2000/svg'
const SVG_TAGS = new Set(['svg', 'path', 'line', 'text'])

/** Makes an element of HTML or SVG with attributes. Text is set as text, never as markup. */
export function element(tag, attributes = {}, text = undefined) {
  const made = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  return made
}

export function byId(id) {
  return document.getElementById(id)
}

/** Sets a text only when it differs, so that nothing is announced or repainted without a change. */
export function setText(target, text) {
  const node = typeof target === 'string' ? byId(target) : target
  if (node.textContent !== text) node.textContent = text
}

/**
 * Makes the rows of a table body those of `rows`, keeping the elements of rows that stay.
 *
 * @param rows `{key, className, cells}`; the first cell is the row's header; a cell is a text or
 * `{text, tone, title, href}`, or
 * `{draw}`, a function that fills the cell.
 * @param numeric set of column indexes that hold numbers.
 */
export function syncRows(body, rows, numeric) {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]))
  const wanted = rows.map((row) => {
    const made = known.get(row.key) ?? createRow(row, numeric)
    row.cells.forEach((cell, index) => {
      fillCell(made.children[index], cell)
    })
    return made
  })
  for (const row of [...body.children]) if (!wanted.includes(row)) row.remove()
  wanted.forEach((row, index) => {
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null)
  })
}

function createRow({ key, className, cells }, numeric) {
  const row = element('tr', className === undefined ? {} : { class: className })
  row.dataset.key = key
  cells.forEach((_, index) => {
    const cell = index === 0 ? element('th', { scope: 'row' }) : element('td')
    if (numeric.has(index)) cell.className = 'number'
    row.append(cell)
  })
  return row
}

function fillCell(cell, content) {
  const given = typeof content === 'string' ? { text: content } : content
  const { text = '', tone = '', title = '', href, draw } = given
  if ((cell.dataset.tone ?? '') !== tone) cell.dataset.tone = tone
  if (cell.title !== title) cell.title = title
  if (draw !== undefined) draw(cell)
  else if (href === undefined) setText(cell, text)
  else fillLink(cell, text, href)
}

function fillLink(cell, text, href) {
  const link = cell.firstElementChild ?? element('a')
  if (link.parentNode !== cell) cell.replaceChildren(link)
  if (link.getAttribute('href') !== href) link.setAttribute('href', href)
  setText(link, text)
}

/** Fills a select with options of `[value, words]`, keeping what is chosen. */
export function setOptions(select, options) {
  const key = JSON.stringify(options)
  if (select.dataset.options === key) return
  const chosen = select.value
  select.dataset.options = key
  select.replaceChildren(...options.map(([value, words]) => element('option', { value }, words)))
  if (options.some(([value]) => value === chosen)) select.value = chosen
}
