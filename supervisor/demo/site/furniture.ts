import { type Random, randomInteger } from '../../../src/core/random.js'
import { fill, pick, shuffled } from './dealing.js'
import { escapeHtml, jsonForScript } from './markup.js'
import type { Business } from './people.js'

// What surrounds the contacts on a page: styles, scripts, navigation, running text. It holds things
// that look like contacts and are none: prices, dates, register numbers, image names with an @.

const BASE_STYLE = `*,*::before,*::after{box-sizing:border-box}
:root{--ink:#1d2433;--paper:#fdfdfb;--accent:#2b6777;--line:#d8dde3;--radius:6px}
body{margin:0;font:16px/1.55 "Segoe UI",Roboto,Helvetica,Arial,sans-serif;color:var(--ink)}
.wrap{max-width:1080px;margin:0 auto;padding:0 20px}
header.site{border-bottom:1px solid var(--line);background:var(--paper)}
nav ul{display:flex;gap:18px;list-style:none;margin:0;padding:14px 0}
nav a{color:inherit;text-decoration:none}nav a:hover{color:var(--accent)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:16px}
.card,.teaser{border:1px solid var(--line);border-radius:var(--radius);padding:18px}
table.contact-data th{text-align:left;padding:6px 18px 6px 0;vertical-align:top}
ul.team{list-style:none;padding:0;display:grid;grid-template-columns:repeat(3,1fr)}
form label{display:block;margin:10px 0 4px}form input,form textarea{width:100%;padding:8px}
footer.site{margin-top:48px;padding:28px 0;background:#20303a;color:#e7ecef;font-size:14px}
footer.site a{color:#bfe0e6}.consent{position:fixed;bottom:0;left:0;right:0;padding:12px}`

const UTILITIES = ['margin', 'padding', 'gap', 'border-radius', 'font-size', 'max-width'] as const

/** As many utility classes as a style builder leaves in the page. */
export function renderStyle(random: Random): string {
  const rules: string[] = []
  for (let count = randomInteger(random, { min: 40, max: 240 }); count > 0; count -= 1) {
    rules.push(`.u-${count.toString(36)}{${pick(random, UTILITIES)}:${(count / 16).toFixed(4)}rem}`)
  }
  return `<style>${BASE_STYLE}\n${rules.join('\n')}</style>`
}

export function renderScript(random: Random, business: Business): string {
  const settings = {
    theme: pick(random, ['aurora', 'harbour', 'plain', 'slate']),
    build: randomInteger(random, { min: 1_000_000_000, max: 1_999_999_999 }),
    locale: business.locale.tag,
    consent: { necessary: true, statistics: false, version: '2.14.3' },
    breakpoints: [480, 768, 1024, 1440],
    images: { hero: '/assets/hero@2x.jpg', logo: '/assets/logo@3x.png' },
    released: '2024-03-18T09:30:00Z',
  }
  return `<script>
window.siteSettings = ${jsonForScript(settings)};
(function (settings) {
  var root = document.documentElement;
  root.className = root.className.replace('no-js', 'js') + ' theme-' + settings.theme;
  function measure() {
    var width = window.innerWidth, name = 'narrow';
    settings.breakpoints.forEach(function (edge) { if (width >= edge) name = 'from-' + edge; });
    root.setAttribute('data-width', name);
  }
  window.addEventListener('resize', measure);
  document.addEventListener('DOMContentLoaded', measure);
  window.dataLayer = window.dataLayer || [];
  window.dataLayer.push({ event: 'page', build: settings.build, language: settings.locale });
})(window.siteSettings);
</script>`
}

export function renderNavigation(
  business: Business,
  links: { home: string; contact: string },
): string {
  const { words } = business.locale
  const entries = [
    [words.home, links.home],
    [words.services, `${links.home}#services`],
    [words.about, `${links.home}#about`],
    [words.contact, links.contact],
  ]
  const items = entries.map(([label, href]) => `<li><a href="${href}">${label}</a></li>`)
  return `<header class="site"><div class="wrap">
<a class="logo" href="${links.home}">
<svg viewBox="0 0 24 24" width="32" height="32" aria-hidden="true">
<path d="M12 2L2 7v10l10 5 10-5V7z" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>
<img src="/assets/logo@2x.png" alt="" width="120" height="32"></a>
<nav><ul>${items.join('')}</ul></nav></div></header>`
}

function renderParagraph(random: Random, business: Business): string {
  const count = randomInteger(random, { min: 3, max: 6 })
  const sentences = shuffled(random, business.locale.sentences).slice(0, count)
  const values = { city: business.city.name, trade: business.trade, name: business.name }
  return `<p>${escapeHtml(sentences.map((sentence) => fill(sentence, values)).join(' '))}</p>`
}

function renderSection(random: Random, business: Business, heading: string): string {
  const paragraphs = Array.from({ length: randomInteger(random, { min: 2, max: 4 }) }, () =>
    renderParagraph(random, business),
  )
  const shade = randomInteger(random, { min: 1, max: 40 }).toString(36)
  return `<section class="u-${shade}"><h2>${heading}</h2>
<figure><img src="/assets/team-${shade}@2x.jpg" loading="lazy" alt=""></figure>
${paragraphs.join('\n')}
</section>`
}

/** Running text that brings a page to the size such pages have. */
export function renderSections(random: Random, business: Business): string {
  const { words } = business.locale
  const headings = [words.services, words.about, words.team, words.hours]
  const count = randomInteger(random, { min: 4, max: 16 })
  return Array.from({ length: count }, (_none, at) =>
    renderSection(random, business, headings[at % headings.length] ?? words.about),
  ).join('\n')
}

export function renderForm(business: Business): string {
  const { words } = business.locale
  return `<form method="post" action="#"><label>${words.yourName}<input name="name"></label>
<label>${words.email}<input name="email" type="email" placeholder="name@example.com"></label>
<label>${words.message}<textarea name="message" rows="6"></textarea></label>
<button type="submit">${words.send}</button></form>`
}

/** Ends the page; `extra` are contacts that stand in the footer alone. */
export function renderFooter(random: Random, business: Business, extra: string): string {
  const { words } = business.locale
  const register = randomInteger(random, { min: 10_000, max: 99_999 })
  const { social } = business
  const share = 'https://www.facebook.com/sharer/sharer.php?u=https%3A%2F%2Fwww.example.com%2F'
  const profile = social === null ? '' : `<a href="${social}" rel="me noopener">Social</a> · `
  return `<footer class="site"><div class="wrap">
<h3>${words.hours}</h3><p>${words.hoursText}</p>
${extra}
<p>${profile}<a href="${share}">+</a> · <a href="#imprint">${words.imprint}</a></p>
<p><small>Reg. A${register} · © 1987–2026 ${escapeHtml(business.name)}. ${words.rights}</small></p>
</div></footer>
<div class="consent" hidden><button type="button">OK</button></div>`
}
