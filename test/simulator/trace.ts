// What happened in a run, line by line with its instant: a hash over all of it, by which two runs
// are compared, and the last lines, for whoever reads a failure.

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

export class Trace {
  readonly #keptMax: number
  #kept: string[] = []
  #hash = FNV_OFFSET
  #count = 0

  /** @param keptMax lines kept, the last ones. */
  constructor(keptMax: number) {
    this.#keptMax = keptMax
  }

  note(nowMs: number, text: string): void {
    const line = `${nowMs.toFixed(3)} ${text}`
    this.#count += 1
    let hash = this.#hash
    for (let at = 0; at < line.length; at += 1) {
      hash = Math.imul(hash ^ line.charCodeAt(at), FNV_PRIME)
    }
    this.#hash = hash
    this.#kept.push(line)
    if (this.#kept.length >= 2 * this.#keptMax) this.#kept = this.#kept.slice(-this.#keptMax)
  }

  /** Equal for runs that were equal, line by line. */
  get fingerprint(): string {
    return `${this.#count}:${(this.#hash >>> 0).toString(16)}`
  }

  get lines(): readonly string[] {
    return this.#kept.slice(-this.#keptMax)
  }
}
