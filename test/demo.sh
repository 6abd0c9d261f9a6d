#!/usr/bin/env bash
# The whole way on a fresh machine: host packages, npm packages, a build, a stand-in install medium, its conversion, and a boot of what
# came out. Fails with one clear line when any of it is not so.
#   DEMO_DIRECTORY             where the medium and the result go (default: /var/tmp/iso2rootfs-demo)
#   ISO2ROOTFS_SKIP_SETUP=1    the host is set up already
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

demo=$(realpath -m "${DEMO_DIRECTORY:-/var/tmp/iso2rootfs-demo}")
medium=$demo/openEuler-22.03-LTS-x86_64-dvd.iso
output=$demo/openeuler-22.03-lts-x86_64

step() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'demo: failed: %s\n' "$*" >&2
  exit 1
}
as_root() {
  if ((EUID == 0)); then "$@"; else sudo --preserve-env=http_proxy,https_proxy,no_proxy -- "$@"; fi
}

step '1/6 Host packages and libvirt (bin/setup-host --for all)'
if [[ ${ISO2ROOTFS_SKIP_SETUP:-} == 1 ]]; then
  echo 'skipped: ISO2ROOTFS_SKIP_SETUP=1'
else
  bash bin/setup-host --for all --yes || fail 'the host could not be set up'
fi

step '2/6 npm packages (npm ci)'
if [[ -d node_modules ]]; then echo 'node_modules is there'; else npm ci || fail 'npm ci'; fi

step '3/6 Build (npm run build)'
npm run --silent build || fail 'npm run build'
mkdir -p "$demo" || fail "$demo cannot be made"

step '4/6 The stand-in install medium, made from Debian packages (a few minutes the first time)'
as_root bash test/medium/build-medium.sh --output "$medium" || fail 'the medium could not be made'

step "5/6 iso2rootfs -f $medium -o $output"
converted=$(as_root env "PATH=$PATH" "$(command -v node)" bin/run.js -f "$medium" -o "$output") || fail "the conversion ended with status $?"
[[ $converted == "$output" ]] || fail "the program printed '$converted', not the path of its result"
(cd "$output" && sha256sum --quiet --check SHA256SUMS) || fail 'SHA256SUMS does not hold'
for artifact in rootfs.tar initramfs.cgz vmlinuz initrd.img manifest.json nfsroot; do
  [[ -e $output/$artifact ]] || fail "there is no $output/$artifact"
done
echo 'The artifacts:'
for artifact in rootfs.tar initramfs.cgz vmlinuz initrd.img manifest.json SHA256SUMS nfsroot/; do
  printf '  %8s  %s\n' "$(as_root du --human-readable --summarize "$output/$artifact" | cut -f1)" "$output/$artifact"
done

step '6/6 Booting initramfs.cgz in QEMU, with nothing but console=ttyS0 on its command line'
node --import tsx test/boot/prove-boot.ts "$output/vmlinuz" "$output/initramfs.cgz" || fail 'initramfs.cgz did not boot as it should'

printf '\ndemo: all is well. The artifacts are in %s\n' "$output"
