import { writeFile } from 'node:fs/promises'

const MAKER = new URL('./make-site.js', import.meta.url).href

/** Writes the module of the test site at an origin, for workers to import. */
export async function writeSiteModule(path: string, origin: string): Promise<void> {
  const text =
    `import { makeSite } from ${JSON.stringify(MAKER)}\n` +
    `export default makeSite(${JSON.stringify(origin)})\n`
  await writeFile(path, text)
}
