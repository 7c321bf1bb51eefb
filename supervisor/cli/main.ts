#!/usr/bin/env node
// The program. An older Node may not even be able to read the other modules, so that the version is
// looked at before they are loaded.

const NODE_MIN = [20, 19] as const

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])
}

if (isTooOld(process.versions.node)) {
  const wanted = NODE_MIN.join('.')
  process.stderr.write(`Fetchyard needs Node ${wanted} or newer; this is ${process.version}.\n`)
  process.exit(78)
} else {
  const { runProcess } = await import('./process.js')
  await runProcess(process)
}

export {}
