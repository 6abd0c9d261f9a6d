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
beside=$(mktemp)
trap 'rm -f "$counts" "$beside"' EXIT
export ISO2ROOTFS_TEST_COUNTS=$counts
status=0
integration=

run_group() {
  echo "== $1 tests"
  local specs
  case "$1" in
    # One process a processor.
    fast) specs=(--parallel test/architecture.test.ts 'test/unit/**/*.test.ts' 'test/contract/**/*.test.ts') ;;
    # The end-to-end tests share one conversion, and so one process.
    *) specs=("test/$1/**/*.test.ts") ;;
  esac
  npx mocha --reporter test/reporter.js "${specs[@]}"
}

for group in "${groups[@]}"; do
  # A guest keeps one processor busy: these need the other one, and are told of when they have ended.
  if [ "$group" = integration ] && [ "${#groups[@]}" -gt 1 ]; then
    run_group integration > "$beside" 2>&1 &
    integration=$!
    continue
  fi
  run_group "$group" || status=1
done
if [ -n "$integration" ]; then
  wait "$integration" || status=1
  cat "$beside"
fi
awk '{ passed += $1; failed += $2; skipped += $3 }
  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; if (NR == 0) exit 1 }' "$counts" || status=1
exit "$status"
