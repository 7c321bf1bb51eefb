// A definition with several mistakes at once.
export default { name: 'Bad Name', sinks: { x: { table: 'x.y.z', columns: {}, key: [] } } }
