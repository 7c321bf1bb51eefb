// Questions and orders over HTTP, with the token. What goes wrong comes back as an error in words.

export class Refused extends Error {}

export function createApi(token) {
  const ask = async (path, options = {}) => {
    let answer
    try {
      answer = await fetch(new URL(path, document.baseURI), {
        ...options,
        headers: { Authorization: `Bearer ${token}`, ...options.headers },
      })
    } catch {
      throw new Refused('The supervisor does not answer')
    }
    const body = await answer.json().catch(() => null)
    if (answer.ok && body !== null) return body
    throw new Refused(body?.error?.message ?? `The supervisor answered ${answer.status}`)
  }
  return {
    get: (path) => ask(path),
    post: (path, fields) =>
      ask(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(fields),
      }),
  }
}

/**
 * Asks again and again while it is wanted, one question at a time. A failed one is told once, by
 * what is missing, and followed by the next.
 *
 * @param options.isWanted whether anybody looks.
 * @param options.ask resolves with what `onAnswer` gets.
 */
export function createPoll({ intervalMs, isWanted, ask, onAnswer, onFailure = () => {} }) {
  let isUnderWay = false
  let lastAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    if (isUnderWay || !isWanted() || performance.now() - lastAt < intervalMs) return
    isUnderWay = true
    lastAt = performance.now()
    try {
      onAnswer(await ask())
    } catch (error) {
      onFailure(error)
    } finally {
      isUnderWay = false
    }
  }
  setInterval(look, 500)
  return {
    /** Asks as soon as it can. */
    now: () => {
      lastAt = Number.NEGATIVE_INFINITY
      look()
    },
  }
}
