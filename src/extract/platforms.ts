// Hosts that belong to somebody else than the business whose website they are said to be. Told by
// the registrable domain, or by a host and the beginning of its path.

const PLATFORM_CATEGORIES = [
  'social',
  'messenger',
  'site_builder',
  'link_page',
  'link_shortener',
  'map',
  'directory',
  'booking',
  'delivery',
  'marketplace',
  'hosting',
] as const
export type PlatformCategory = (typeof PLATFORM_CATEGORIES)[number]

export interface Platform {
  readonly name: string
  readonly category: PlatformCategory
}

/** Domains by platform, in words separated by blanks; the platform is named by the first. */
const DOMAINS: Readonly<Record<Exclude<PlatformCategory, 'hosting'>, readonly string[]>> = {
  social: [
    'facebook.com fb.com fb.me facebook.de',
    'instagram.com instagr.am',
    'twitter.com x.com t.co',
    'linkedin.com lnkd.in',
    'youtube.com youtu.be',
    'tiktok.com',
    'pinterest.com pinterest.de pinterest.co.uk pinterest.fr pin.it',
    'snapchat.com',
    'threads.net threads.com',
    'bsky.app',
    'reddit.com',
    'tumblr.com',
    'vk.com',
    'ok.ru',
    'xing.com',
    'nextdoor.com nextdoor.co.uk',
    'vimeo.com',
    'flickr.com',
    'weibo.com',
    'twitch.tv',
    'soundcloud.com',
    'behance.net',
    'meetup.com',
  ],
  messenger: [
    'whatsapp.com wa.me',
    'telegram.org telegram.me t.me',
    'line.me',
    'm.me',
    'discord.com discord.gg',
  ],
  site_builder: [
    'wix.com wixsite.com editorx.io wixstudio.io',
    'squarespace.com',
    'weebly.com weeblysite.com square.site',
    'wordpress.com',
    'blogger.com blogspot.com',
    'jimdo.com jimdosite.com jimdofree.com',
    'webnode.com webnode.page',
    'godaddysites.com',
    'business.site',
    'site123.me',
    'strikingly.com mystrikingly.com',
    'webflow.io',
    'carrd.co',
    'myshopify.com',
    'bigcartel.com',
    'yolasite.com',
    'ueniweb.com',
    'notion.site',
    'duda.co',
    'tilda.ws',
    'one.me',
    'durable.co',
    'ueni.com',
    'canva.site',
    'mailchimpsites.com',
    'medium.com',
    'substack.com',
  ],
  link_page: [
    'linktr.ee',
    'beacons.ai',
    'bio.link',
    'linkin.bio',
    'lnk.bio',
    'campsite.bio',
    'taplink.cc',
    'msha.ke',
    'about.me',
    'solo.to',
  ],
  link_shortener: [
    'bit.ly bitly.com',
    'tinyurl.com',
    'goo.gl',
    'ow.ly',
    'is.gd',
    'buff.ly',
    'rebrand.ly',
    'cutt.ly',
    'rb.gy',
    'shorturl.at',
    't.ly',
    'tiny.cc',
    'v.gd',
    's.id',
    'adf.ly',
    'qr.page',
    'qrco.de',
    'page.link',
    'onelink.me',
  ],
  map: [
    'g.page',
    'waze.com',
    'mapquest.com',
    'openstreetmap.org',
    'what3words.com',
    '2gis.com 2gis.ru',
  ],
  directory: [
    'yelp.com yelp.de yelp.co.uk yelp.fr yelp.ca',
    'yellowpages.com yellowpages.ca',
    'tripadvisor.com tripadvisor.de tripadvisor.co.uk tripadvisor.fr',
    'foursquare.com',
    'bbb.org',
    'angi.com',
    'thumbtack.com',
    'houzz.com',
    'healthgrades.com',
    'zocdoc.com',
    'gelbeseiten.de',
    'pagesjaunes.fr',
    'paginasamarillas.es',
    'trustpilot.com',
    'manta.com',
    'checkatrade.com',
  ],
  booking: [
    'booking.com',
    'airbnb.com',
    'opentable.com',
    'calendly.com',
    'fresha.com',
    'booksy.com',
    'vagaro.com',
    'treatwell.de treatwell.co.uk',
    'resy.com',
    'styleseat.com',
    'expedia.com',
    'doctolib.de doctolib.fr',
  ],
  delivery: [
    'doordash.com',
    'ubereats.com',
    'grubhub.com',
    'lieferando.de',
    'just-eat.co.uk just-eat.fr',
    'deliveroo.co.uk deliveroo.fr',
    'toasttab.com',
    'seamless.com',
    'wolt.com',
  ],
  marketplace: [
    'etsy.com',
    'ebay.com ebay.de ebay.co.uk',
    'amazon.com amazon.de amazon.co.uk',
    'kleinanzeigen.de',
    'craigslist.org',
    'eventbrite.com',
  ],
}

const BY_DOMAIN: ReadonlyMap<string, Platform> = new Map(
  PLATFORM_CATEGORIES.filter((category) => category !== 'hosting').flatMap((category) =>
    DOMAINS[category].flatMap((line) => {
      const domains = line.split(' ')
      const platform = { name: domains[0] ?? '', category }
      return domains.map((domain) => [domain, platform] as const)
    }),
  ),
)

/** Parts of sites that are platforms, while the rest of the domain is not, or is another one. */
const BY_PLACE: readonly (readonly [host: RegExp, path: RegExp, platform: Platform])[] = [
  [/^maps\.app\.goo\.gl$/, /^/, { name: 'google maps', category: 'map' }],
  [/^goo\.gl$/, /^\/maps\b/, { name: 'google maps', category: 'map' }],
  [/^maps\.google\.(com|[a-z]{2}|com?\.[a-z]{2})$/, /^/, { name: 'google maps', category: 'map' }],
  [
    /^(www\.)?google\.(com|[a-z]{2}|com?\.[a-z]{2})$/,
    /^\/maps\b/,
    { name: 'google maps', category: 'map' },
  ],
  [/^sites\.google\.com$/, /^/, { name: 'google sites', category: 'site_builder' }],
  [/^(docs|drive|forms)\.google\.com$/, /^/, { name: 'google docs', category: 'hosting' }],
  [
    /^((www|business|search)\.)?google\.(com|[a-z]{2}|com?\.[a-z]{2})$/,
    /^/,
    { name: 'google', category: 'directory' },
  ],
  [/^forms\.gle$/, /^/, { name: 'google docs', category: 'hosting' }],
  [/^maps\.apple\.com$/, /^/, { name: 'apple maps', category: 'map' }],
  [/^(www\.)?bing\.com$/, /^\/maps\b/, { name: 'bing maps', category: 'map' }],
  [/^yandex\.(com|[a-z]{2})$/, /^\/maps\b/, { name: 'yandex maps', category: 'map' }],
]

/**
 * The platform that a website is on; null for a site of its own.
 *
 * @param domain the registrable domain of its host, by the rules of registries alone.
 */
export function platformOf(site: URL, domain: string): Platform | null {
  const host = site.hostname
  const found = BY_PLACE.find(([hosts, paths]) => hosts.test(host) && paths.test(site.pathname))
  return found?.[2] ?? BY_DOMAIN.get(domain) ?? null
}
