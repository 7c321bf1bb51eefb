// A module that throws while it is loaded.
throw new Error('the module cannot be loaded')
export default {}
