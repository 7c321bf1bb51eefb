import { expect } from 'chai'
import fc from 'fast-check'
import { Line } from '../../../supervisor/line.js'

describe('supervisor/line', () => {
  it('gives back what was pushed, in order, however pushes and takes follow each other', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (pushes) => {
        const line = new Line<number>()
        const model: number[] = []
        for (const [n, isPush] of pushes.entries()) {
          if (isPush) {
            line.push(n)
            model.push(n)
          } else expect(line.take()).to.equal(model.shift() ?? null)
          expect([line.length, line.first]).to.deep.equal([model.length, model[0]])
          expect(line.rest()).to.deep.equal(model)
        }
      }),
    )
  })

  it('has what it was filled with instead of what it had', () => {
    const line = new Line<string>()
    line.push('a')
    line.fill(['b', 'c'])
    expect([line.take(), line.take(), line.take()]).to.deep.equal(['b', 'c', null])
  })
})
