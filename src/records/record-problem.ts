/** Why a record cannot become rows: where in it, and what is wrong. */
export class RecordProblem extends Error {
  override readonly name = 'RecordProblem'
  readonly place: string
  readonly reason: string

  constructor(place: string, reason: string) {
    super(`${place}: ${reason}`)
    this.place = place
    this.reason = reason
  }
}
