/** Applies a JSON merge patch (RFC 7396). Neither argument is changed. */
export function applyPatch(state, patch) {
  const next = { ...state }
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue
    if (value === null) delete next[key]
    else if (isObject(value)) next[key] = applyPatch(isObject(next[key]) ? next[key] : {}, value)
    else next[key] = value
  }
  return next
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
