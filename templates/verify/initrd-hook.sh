# Sourced in an initrd that is being verified when the root is mounted and nothing else below it: by initramfs-tools before the other scripts of
# init-bottom, by dracut before pivot, by the init of templates/initramfs before it hands over. Puts an overlay in memory over a root that is
# exported read-only, as diskless labs do, and gives the probe to the booted system in /run, which goes along. An initrd may have no other
# programs than sh, mount and mkdir.
if [ ! -e /run/iso2rootfs-verify/probe.sh ]; then
    verified_root=${rootmnt:-${NEWROOT:-/sysroot}}
    mkdir -p /run/iso2rootfs-verify /run/systemd/system/sysinit.target.d
    if [ -e /iso2rootfs-verify/overlay ]; then
        mkdir -p /run/iso2rootfs-verify/overlay
        mount -t tmpfs -o mode=0755 tmpfs /run/iso2rootfs-verify/overlay
        mkdir -p /run/iso2rootfs-verify/overlay/upper /run/iso2rootfs-verify/overlay/work
        modprobe overlay
        mount -t overlay -o "lowerdir=$verified_root,upperdir=/run/iso2rootfs-verify/overlay/upper,workdir=/run/iso2rootfs-verify/overlay/work" overlay "$verified_root" ||
            echo 'iso2rootfs-verify: the initrd cannot mount an overlay over the root' >/dev/console
    fi
    copy_verified() {
        while IFS= read -r verified_line; do printf '%s\n' "$verified_line"; done <"/iso2rootfs-verify/$1" >"$2"
    }
    for verified_file in port capabilities probe.sh; do
        copy_verified "$verified_file" "/run/iso2rootfs-verify/$verified_file"
    done
    copy_verified probe.service /run/systemd/system/iso2rootfs-verify.service
    copy_verified wanted.conf /run/systemd/system/sysinit.target.d/50-iso2rootfs-verify.conf
fi
