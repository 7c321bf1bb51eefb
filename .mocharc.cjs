// Tests run the built output, so that what is tested is what is shipped.
module.exports = {
  // Several, with spaces between.
  spec: process.env.FETCHYARD_TEST_SPEC?.split(' ') ?? 'dist/test/**/*.test.js',
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  exit: false,
}
