# Sourced in an initrd that is being verified when the root is mounted and nothing else below it: by initramfs-tools before the other scripts of
# init-bottom, by dracut before pivot. Puts an overlay in memory over a root that is exported read-only, as diskless labs do, and hands the
# probe over to the booted system in /run, which goes along. Only what klibc has is used.
if [ ! -e /run/iso2rootfs-verify/probe.sh ]; then
    verified_root=${rootmnt:-${NEWROOT:-/sysroot}}
    mkdir -p /run/iso2rootfs-verify /run/systemd/system/sysinit.target.wants
    if [ -e /iso2rootfs-verify/overlay ]; then
        mkdir -p /run/iso2rootfs-verify/overlay
        mount -t tmpfs -o mode=0755 tmpfs /run/iso2rootfs-verify/overlay
        mkdir -p /run/iso2rootfs-verify/overlay/upper /run/iso2rootfs-verify/overlay/work
        modprobe overlay
        mount -t overlay -o "lowerdir=$verified_root,upperdir=/run/iso2rootfs-verify/overlay/upper,workdir=/run/iso2rootfs-verify/overlay/work" overlay "$verified_root" ||
            echo 'iso2rootfs-verify: the initrd cannot mount an overlay over the root' >/dev/console
    fi
    for verified_file in probe.sh port capabilities; do
        cat "/iso2rootfs-verify/$verified_file" >"/run/iso2rootfs-verify/$verified_file"
    done
    cat /iso2rootfs-verify/probe.service >/run/systemd/system/iso2rootfs-verify.service
    ln -s ../iso2rootfs-verify.service /run/systemd/system/sysinit.target.wants/iso2rootfs-verify.service
fi
