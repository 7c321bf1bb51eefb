// X.509 certificates for tests, written by hand: neither Node nor the system need a tool for them.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const octets = (part: Buffer) => der(0x04, part)
const bits = (part: Buffer) => der(0x03, Buffer.from([0]), part)

const COMMON_NAME = oid('550403')
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const BASIC_CONSTRAINTS = oid('551d13')
const SUBJECT_ALT_NAME = oid('551d11')
const TRUE = der(0x01, Buffer.from([0xff]))

const nameOf = (name: string) =>
  sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))))
/** GeneralizedTime. */
const timeOf = (year: number) => der(0x18, Buffer.from(`${year}0101000000Z`))

interface Subject {
  readonly name: string
  readonly years: readonly [number, number]
  readonly isAuthority?: boolean
}

interface Issuer {
  readonly name: string
  readonly key: KeyObject
}

let serial = 1

function write(subject: Subject, publicKey: KeyObject, issuer: Issuer): string {
  serial += 1
  const [from, until] = subject.years
  const extension =
    subject.isAuthority === true
      ? sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)))
      : sequence(SUBJECT_ALT_NAME, octets(sequence(der(0x82, Buffer.from(subject.name)))))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial])),
    ECDSA_WITH_SHA256,
    nameOf(issuer.name),
    sequence(timeOf(from), timeOf(until)),
    nameOf(subject.name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  )
  const whole = sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, issuer.key)))
  const lines = whole.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A certificate that vouches for itself. */
export function selfSigned(subject: Subject): Certificate {
  const { publicKey, privateKey: key } = newKeys()
  return { cert: write(subject, publicKey, { name: subject.name, key }), key: pemOf(key) }
}

/** An authority, and a way to have certificates of it. */
export function createAuthority(name: string) {
  const { publicKey, privateKey: key } = newKeys()
  const issuer = { name, key }
  const cert = write({ name, years: [2020, 2090], isAuthority: true }, publicKey, issuer)
  const issue = (subject: Subject): Certificate => {
    const keys = newKeys()
    return { cert: write(subject, keys.publicKey, issuer), key: pemOf(keys.privateKey) }
  }
  return { cert, issue }
}
