#!/usr/bin/env bash
# Sets the machine up as far as the chosen tests need it, and runs them.
#   fast         unit and contract tests: under a minute
#   integration  libguestfs on small guests, servers on loopback that misbehave
#   e2e          real installations from the test medium, whose results are booted
#   all          everything
# ISO2ROOTFS_SKIP_SETUP=1: the host is set up already.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-all}" in
  fast) groups=(fast) ;;
  integration) groups=(integration) ;;
  e2e) groups=(e2e) ;;
  all) groups=(fast integration e2e) ;;
  *) echo "usage: test/run.sh fast|integration|e2e|all" >&2; exit 64 ;;
esac

[ "${ISO2ROOTFS_SKIP_SETUP:-}" = 1 ] || bash bin/setup-host --for all --yes
[ -d node_modules ] || npm ci
npm run --silent build

counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
export ISO2ROOTFS_TEST_COUNTS=$counts
status=0
for group in "${groups[@]}"; do
  echo "== $group tests"
  case "$group" in
    # One process a processor; the others share guests and must not meet.
    fast) specs=(--parallel test/architecture.test.ts 'test/unit/**/*.test.ts' 'test/contract/**/*.test.ts') ;;
    *) specs=("test/$group/**/*.test.ts") ;;
  esac
  npx mocha --reporter test/reporter.js "${specs[@]}" || status=1
done
awk '{ passed += $1; failed += $2; skipped += $3 }
  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; if (NR == 0) exit 1 }' "$counts" || status=1
exit "$status"
