#!/usr/bin/env bash
# Sets the machine up as far as the chosen tests need it, and runs them.
#   fast         unit and contract tests: under a minute
#   integration  libguestfs on small guests, servers on loopback that misbehave
#   e2e          real installations from the test medium, whose results are booted
#   all          everything
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-all}" in
  fast) specs=(test/architecture.test.ts 'test/unit/**/*.test.ts' 'test/contract/**/*.test.ts') ;;
  integration) specs=('test/integration/**/*.test.ts') ;;
  e2e) specs=('test/e2e/**/*.test.ts') ;;
  all) specs=(test/architecture.test.ts 'test/{unit,contract,integration,e2e}/**/*.test.ts') ;;
  *) echo "usage: test/run.sh fast|integration|e2e|all" >&2; exit 64 ;;
esac

[ "${ISO2ROOTFS_SKIP_SETUP:-}" = 1 ] || bash bin/setup-host --for all --yes
[ -d node_modules ] || npm ci
npm run --silent build
exec npx mocha --reporter test/reporter.js "${specs[@]}"
