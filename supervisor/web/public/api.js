// Questions and orders over HTTP, with the token. What goes wrong comes back as an error in words.

export class Refused extends Error {}

export function createApi(token) {
  const send = async (path, options) => {
    try {
      return await fetch(new URL(path, document.baseURI), {
        ...options,
        headers: { Authorization: `Bearer ${token}`, ...options.headers },
      })
    } catch {
      throw new Refused('The supervisor does not answer')
    }
  }
  const refusalOf = (answer, body) =>
    new Refused(body?.error?.message ?? `The supervisor answered ${answer.status}`)
  const ask = async (path, options = {}) => {
    const answer = await send(path, options)
    const body = await answer.json().catch(() => null)
    if (answer.ok && body !== null) return body
    throw refusalOf(answer, body)
  }
  const posted = (fields) => ({
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(fields),
  })
  return {
    get: (path) => ask(path),
    post: (path, fields) => ask(path, posted(fields)),
    /** The same for an answer that is no JSON. */
    postForBytes: async (path, fields) => {
      const answer = await send(path, posted(fields))
      if (answer.ok) return answer.blob()
      throw refusalOf(answer, await answer.json().catch(() => null))
    },
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
