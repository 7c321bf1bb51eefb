/** The default export of the module at a URL. */
export async function loadDefault(moduleUrl: string): Promise<unknown> {
  const module: { readonly default?: unknown } = await import(moduleUrl)
  return module.default
}
