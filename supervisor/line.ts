/** What waits in a row and is taken from its front. */
export class Line<One> {
  #all: One[] = []
  #next = 0

  get length(): number {
    return this.#all.length - this.#next
  }

  get first(): One | undefined {
    return this.#all[this.#next]
  }

  push(one: One): void {
    this.#all.push(one)
  }

  take(): One | null {
    const one = this.#all[this.#next]
    if (one === undefined) return null
    this.#next += 1
    // Shifting an array of thousands one by one would move the rest each time; and what was taken
    // would be kept in memory for as long as it stayed in the array.
    if (this.#next * 2 >= this.#all.length) this.fill(this.rest())
    return one
  }

  /** All that is left, in order. */
  rest(): One[] {
    return this.#all.slice(this.#next)
  }

  /** Has these instead of what it had. */
  fill(all: One[]): void {
    this.#all = all
    this.#next = 0
  }
}
