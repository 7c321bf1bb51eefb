// What every peer has in common: it fills its queue when told to, then drains it, and says so. The
// benchmark measures it from outside.
//
//   parent:  { type: 'fill', items }          child:  { type: 'filled', seconds }
//   parent:  { type: 'drain', items }         child:  { type: 'first' }, { type: 'handled' }
//   parent:  { type: 'stop' }                 child ends

/** @typedef {{ url: string }} Payload */

/** Every contender gets the same payloads. */
export function payloads(from, count) {
  return Array.from({ length: count }, (_, index) => {
    const n = from + index
    return { url: `https://host-${n % 1_000}.example/pages/${n}` }
  })
}

/**
 * Serves a peer to the parent process.
 *
 * @param {{
 *   sliceItems: number,
 *   fill: (payloads: Payload[]) => Promise<void>,
 *   drain: (onHandled: (items: number) => void) => Promise<void>,
 *   stop: () => Promise<void>,
 * }} peer `drain` starts the work, and calls back with the number of jobs that were handled.
 */
export function serve(peer) {
  const fill = async (items) => {
    const startedMs = performance.now()
    for (let at = 0; at < items; at += peer.sliceItems) {
      await peer.fill(payloads(at, Math.min(peer.sliceItems, items - at)))
    }
    process.send({ type: 'filled', seconds: (performance.now() - startedMs) / 1_000 })
  }
  const drain = async (items) => {
    let handled = 0
    await peer.drain((more) => {
      if (handled === 0) process.send({ type: 'first' })
      handled += more
      if (handled === items) process.send({ type: 'handled' })
    })
  }
  process.on('message', (message) => {
    const done =
      message.type === 'fill'
        ? fill(message.items)
        : message.type === 'drain'
          ? drain(message.items)
          : peer.stop().then(() => process.exit(0))
    done.catch((error) => {
      process.stderr.write(`${error.stack}\n`)
      process.exit(1)
    })
  })
  // Whatever becomes of the benchmark, nothing of it stays behind.
  process.on('disconnect', () => process.exit(1))
  process.send({ type: 'ready' })
}
