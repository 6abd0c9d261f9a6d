#!/bin/bash
# Stands for virt-install in a benchmark: runs it with each argument that matches VARIANT_FROM (a sed expression) changed to VARIANT_TO, and with
# VARIANT_MORE added.
arguments=()
for argument in "$@"; do
    arguments+=("$(printf '%s' "$argument" | sed -E "s#${VARIANT_FROM:-^\$}#${VARIANT_TO:-}#")")
done
# Only an installation has a location: questions about the version pass as they are.
[[ " $* " == *' --location '* ]] && read -ra more <<< "${VARIANT_MORE:-}"
exec /usr/bin/virt-install "${arguments[@]}" "${more[@]}"
