// Which addresses are public, written down a second time and in another way than the product does:
// the referee of what may be connected to.

import { BlockList, isIPv4 } from 'node:net'

const reserved = new BlockList()
for (const range of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3', '168.63.129.16/32'],
]) {
  const [network = '', bits] = range.split('/')
  reserved.addSubnet(network, Number(bits), 'ipv4')
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const host = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = host.split('::')
  const read = (part: string) =>
    part.split(':').flatMap((word) => (word ? [parseInt(word, 16)] : []))
  const [before, after] = [read(head), read(tail ?? '')]
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

const quad = (high: number, low: number) =>
  [high >> 8, high & 255, low >> 8, low & 255].map(String).join('.')

export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !reserved.check(address, 'ipv4')
  const groups = groupsOf(address)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  const inner = !reserved.check(quad(g, h), 'ipv4')
  if ([a, b, c, d, e].every((group) => group === 0) && f === 0xffff) return inner
  if (a === 0x64 && b === 0xff9b && [c, d, e, f].every((group) => group === 0)) return inner
  if (a < 0x2000 || a > 0x3fff) return false
  if (a === 0x2002 || (a === 0x2001 && (b < 0x200 || b === 0xdb8))) return false
  if (a === 0x3fff && b < 0x1000) return false
  return (e !== 0 && e !== 0x200) || f !== 0x5efe || inner
}
