import { expect } from 'chai'
import { cloudflareCode, contactsOf, valuesOf } from './probe.js'

interface EmailProbe {
  readonly title: string
  readonly html: string
  readonly emails: readonly string[]
  readonly url?: string
}

const link = (href: string, text = 'write to us'): string => `<a href="${href}">${text}</a>`
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const rot13 = (text: string): string =>
  text.replace(/[a-z]/g, (c) => String.fromCharCode(((c.charCodeAt(0) - 84) % 26) + 97))
const codes = (text: string): string => [...text].map((c) => c.charCodeAt(0)).join(',')

const CODE = cloudflareCode('info@example.com')
const INFO = ['info@example.com']
const PROBES: readonly EmailProbe[] = [
  {
    title: 'mailto with a subject',
    html: link('mailto:info@example.com?subject=Hi'),
    emails: INFO,
  },
  { title: 'mailto with an encoded @', html: link('mailto:info%40example.com'), emails: INFO },
  {
    title: 'mailto with two recipients',
    html: link('mailto:a1@example.com,b2@example.com'),
    emails: ['a1@example.com', 'b2@example.com'],
  },
  {
    title: 'mailto with to, cc and bcc, and no address of the body',
    html: link(
      'mailto:?to=a1@example.com&amp;cc=b2@example.com&bcc=c3%40example.com&body=x@example.com',
    ),
    emails: ['a1@example.com', 'b2@example.com', 'c3@example.com'],
  },
  {
    title: 'mailto with a name',
    html: link('mailto:Jo%20Doe%20%3Cinfo@example.com%3E'),
    emails: INFO,
  },
  {
    title: 'mailto in capitals with spaces',
    html: link(' MAILTO: Info@Example.COM '),
    emails: INFO,
  },
  { title: 'mailto with slashes', html: link('mailto://info@example.com'), emails: INFO },
  { title: 'mailto encoded twice', html: link('mailto:info%2540example.com'), emails: INFO },
  { title: 'text', html: '<p>Mail info@example.com now</p>', emails: INFO },
  { title: 'a trailing stop', html: '<p>Write to info@example.com.</p>', emails: INFO },
  { title: 'quotes', html: `<p>'info@example.com' or "info@example.com"</p>`, emails: INFO },
  {
    title: 'brackets',
    html: '<p>Jo &lt;info@example.com&gt;, (info@example.com)</p>',
    emails: INFO,
  },
  { title: 'character references', html: '<p>&#105;nfo&#x40;example&period;com</p>', emails: INFO },
  { title: 'bracketed words', html: '<p>info [at] example [dot] com</p>', emails: INFO },
  { title: 'round brackets', html: '<p>info(at)example.com</p>', emails: INFO },
  { title: 'curly brackets', html: '<p>info {at} example {dot} com</p>', emails: INFO },
  { title: 'bare words', html: '<p>info at example dot com</p>', emails: INFO },
  { title: 'capital words', html: '<p>info AT example DOT com</p>', emails: INFO },
  { title: 'a dot in words behind a plain @', html: '<p>info@example[dot]com</p>', emails: INFO },
  { title: 'German words', html: '<p>info [ät] example punkt com</p>', emails: INFO },
  {
    title: 'a dotted local part in words',
    html: '<p>jo [dot] doe2 [at] example [dot] com</p>',
    emails: ['jo.doe2@example.com'],
  },
  {
    title: 'split spans',
    html: '<p><span>info</span><b>@</b><span>example.com</span></p>',
    emails: INFO,
  },
  {
    title: 'a comment inside',
    html: '<p>info<!-- no -->@<!-- spam -->example.com</p>',
    emails: INFO,
  },
  {
    title: 'a hidden decoy',
    html: '<p>info<span style="display:none">nospam</span>@example.com</p>',
    emails: INFO,
  },
  {
    title: 'text turned round by its style',
    html: '<span style="unicode-bidi:bidi-override; direction: rtl">moc.elpmaxe@ofni</span>',
    emails: INFO,
  },
  {
    title: 'soft hyphens and zero-width spaces',
    html: 'in&shy;fo@exam\u200bple.com',
    emails: INFO,
  },
  {
    title: 'data-cfemail',
    html: `<a class="__cf_email__" data-cfemail="${CODE}">[email&#160;protected]</a>`,
    emails: INFO,
  },
  {
    title: 'a link to the protection page',
    html: link(`/cdn-cgi/l/email-protection#${cloudflareCode('info@example.com')}`),
    emails: INFO,
  },
  { title: 'data-cfemail in clear', html: '<a data-cfemail="info@example.com"></a>', emails: INFO },
  {
    title: 'broken data-cfemail',
    html: '<a data-cfemail="zz1"></a><a data-cfemail=""></a>',
    emails: [],
  },
  {
    title: 'data attributes',
    html: '<a data-user="info" data-domain="example.com"></a>',
    emails: INFO,
  },
  {
    title: 'data attributes backwards',
    html: '<a data-user="ofni" data-domain="moc.elpmaxe"></a>',
    emails: INFO,
  },
  {
    title: 'String.fromCharCode',
    html: `<script>document.write(String.fromCharCode(${codes('info@example.com')}))</script>`,
    emails: INFO,
  },
  {
    title: 'atob',
    html: `<script>x = atob("${base64('mailto:info@example.com')}")</script>`,
    emails: INFO,
  },
  {
    title: 'ROT13',
    html: `<script>write("${rot13('info@example.com')}".replace(/[a-zA-Z]/g, by13))</script>`,
    emails: INFO,
  },
  {
    title: 'strings joined by a script',
    html: `<script>var user = 'info';\nvar host = 'example.com';
      document.write(user + '&#64;' + host)</script>`,
    emails: INFO,
  },
  { title: 'an IDN', html: '<p>info@müller.de</p>', emails: ['info@müller.de'] },
  {
    title: 'an IDN in its ASCII form',
    html: '<p>info@xn--mller-kva.de</p>',
    emails: ['info@müller.de'],
  },
  { title: 'a word that runs on', html: '<p>info@example.comPhone 1</p>', emails: INFO },
  {
    title: 'text of another script that runs on',
    html: '<p>邮箱info@example.com电话</p>',
    emails: INFO,
  },
  {
    title: 'plus and dots',
    html: 'a.b+c@mail.example.co.uk',
    emails: ['a.b+c@mail.example.co.uk'],
  },
  {
    title: 'one address many times',
    html: `info@example.com ${link('mailto:INFO@example.com')}`,
    emails: INFO,
  },
  { title: 'a name of an image', html: '<p>logo@2x.png icon@3x.webp</p>', emails: [] },
  {
    title: 'the key of an error tracker',
    html: '<p>https://0123456789abcdef0123456789abcdef@o12345.ingest.sentry.io/1</p>',
    emails: [],
  },
  { title: 'a hash', html: '0123456789abcdef0123456789abcdef@firm.com', emails: [] },
  {
    title: 'a Wix address',
    html: '<p>605a7baede844d278b89dc95ae0a9123@sentry-next.wixpress.com</p>',
    emails: [],
  },
  { title: 'user and password of a URL', html: '<p>https://jo:secret@firm.com/</p>', emails: [] },
  { title: 'placeholders', html: '<p>you@example.com your.name@yourdomain.com</p>', emails: [] },
  {
    title: 'an unknown top-level domain',
    html: '<p>root@server.internal x@y.zzzz</p>',
    emails: [],
  },
  {
    title: 'a place named in prose',
    html: '<p>Meet us at example.com or at noon.</p>',
    emails: [],
  },
  {
    title: 'a documentation address on a real page',
    html: '<p>info@example.com info@firm.com</p>',
    url: 'https://firm.com/',
    emails: ['info@firm.com'],
  },
  {
    title: 'text of scripts, styles and templates',
    html: '<style>a@example.com</style><template>b@example.com</template>',
    emails: [],
  },
]

describe('extract/emails', () => {
  for (const { title, html, emails, url } of PROBES) {
    it(`reads ${title}`, () => {
      expect(valuesOf('email', html, url)).to.deep.equal(emails)
    })
  }

  it('names the surest place an address was seen in', () => {
    const html = '<p>info@example.com <a href="mailto:info@example.com">info@example.com</a></p>'
    expect(contactsOf(html)).to.deep.equal([
      {
        kind: 'email',
        value: 'info@example.com',
        shown: 'info@example.com',
        name: null,
        role: null,
        foundIn: 'mailto',
        confidence: 0.95,
      },
    ])
  })

  it('gives an address to the person it is made of, with the role', () => {
    const html =
      '<li>Ann Green<br>Sales Manager<br>agreen@example.com</li><li>info@example.com</li>'
    const owners = contactsOf(html)
      .filter(({ kind }) => kind === 'email')
      .map(({ name, role }) => [name, role])
    expect(owners).to.deep.equal([
      ['Ann Green', 'Sales Manager'],
      [null, null],
    ])
  })
})
