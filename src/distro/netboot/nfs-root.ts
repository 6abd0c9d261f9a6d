/**
 * A root file system on NFS must keep its network until the very end. Who tears it down, and what stops them:
 *
 * - systemd-networkd keeps it by itself where `/` is a network file system, but not where `/` is an overlay over one: there it drops the
 *   initrd's address when it starts and its own when it stops (systemd.network(5), KeepConfiguration=);
 * - ifupdown (`networking.service`, `ifup@.service`) and wicked take interfaces down when they are stopped;
 * - NetworkManager and the network scripts of RPM systems leave configured Ethernet cards as they are.
 *
 * A generator (systemd.generator(7)) adds drop-ins to these services, if the machine was started with an NFS root. Everything else
 * starts unchanged.
 */
import type { Addition } from './tree-survey.js';

const GENERATOR = `#!/bin/sh
# Written by iso2rootfs: with a root file system on NFS, nothing takes the network down.
set -u
is_network_root() {
  while read -r _ where type _; do
    if [ "$where" = / ]; then case $type in nfs* | cifs | smb3) return 0 ;; esac; fi
  done < /proc/self/mounts
  read -r arguments < /proc/cmdline || :
  for argument in $arguments; do
    case $argument in
      nfsroot=* | boot=nfs | root=/dev/nfs | root=nfs:* | root=nfs4:* | root=cifs:* | netroot=nfs*) return 0 ;;
      root=[0-9]*.*:/* | root=\\[*\\]:/*) return 0 ;;
    esac
  done
  return 1
}
is_network_root || exit 0
drop_in() {
  mkdir -p "$1/$2.d" && printf '%s\\n' '[Service]' "$3" > "$1/$2.d/50-iso2rootfs-nfs-root.conf"
}
drop_in "$1" networking.service ExecStop=
drop_in "$1" ifup@.service ExecStop=
drop_in "$1" wicked.service ExecStop=
# systemd-networkd has no time to drop what it was told to drop, and keeps what it finds.
drop_in "$1" systemd-networkd.service "KillSignal=SIGKILL
SuccessExitStatus=SIGKILL
ExecStartPre=-+/bin/sh $1/iso2rootfs-keep-networks"
cat > "$1/iso2rootfs-keep-networks" <<'KEEP'
for network in /etc/systemd/network/*.network /run/systemd/network/*.network /usr/lib/systemd/network/*.network /lib/systemd/network/*.network; do
  [ -e "$network" ] || continue
  directory=/run/systemd/network/\${network##*/}.d
  mkdir -p "$directory" && printf '[Network]\\nKeepConfiguration=yes\\n' > "$directory/50-iso2rootfs-nfs-root.conf"
done
KEEP
`;

export const GENERATORS = /^(?:usr\/)?lib\/systemd\/system-generators$/;

/** @param directory where the system has its generators */
export function nfsRootGenerator(directory: string): Addition {
  return { path: `${directory}/iso2rootfs-nfs-root`, text: GENERATOR, mode: 0o755 };
}
