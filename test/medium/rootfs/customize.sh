#!/bin/sh
# mmdebstrap customize hook: turns the fresh Debian root $1 into what the stand-in installer will unpack. Whatever must differ per installation
# (machine id, host keys, fstab, passwords, host name) is left for the installer.
set -eu
root=$1

cat >"$root/etc/iso2rootfs-standin" <<'TEXT'
This system was installed from the stand-in install medium of iso2rootfs (test/medium): a Debian system made from Debian's packages, put
on disk by an installer that behaves like Anaconda as far as an unattended installation can tell. It is not openEuler.
TEXT

cat >"$root/etc/systemd/network/80-dhcp.network" <<'TEXT'
[Match]
Name=en* eth*

[Network]
DHCP=yes

[DHCPv4]
UseDomains=yes
TEXT

# The initrd is generic (MODULES=most is the default here). A dracut initrd that is not host-only would have these two as well.
printf 'overlay\nsquashfs\n' >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u -k all

# As on openEuler, a system without ssh host keys makes them when sshd starts; Debian's own packages make them only when installed.
cat >"$root/etc/systemd/system/sshd-keygen.service" <<'TEXT'
[Unit]
Description=OpenSSH server key generation
ConditionPathExists=|!/etc/ssh/ssh_host_ed25519_key
ConditionPathExists=|!/etc/ssh/ssh_host_rsa_key
Before=ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=ssh.service
TEXT
chroot "$root" systemctl enable systemd-networkd.service sshd-keygen.service ssh.service
chroot "$root" systemctl disable systemd-networkd-wait-online.service

rm -f "$root"/etc/ssh/ssh_host_*
rm -f "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
ln -s /etc/machine-id "$root/var/lib/dbus/machine-id"
printf '# written by the installer\n' >"$root/etc/fstab"
echo localhost.localdomain >"$root/etc/hostname"
chmod 644 "$root/etc/hostname" "$root/etc/resolv.conf" "$root/etc/fstab"
printf '127.0.0.1 localhost localhost.localdomain\n::1 localhost localhost.localdomain ip6-localhost\n' >"$root/etc/hosts"
chroot "$root" usermod --lock root

# Kickstart scripts ask rpm whether a package is there. The installer writes the list of RPM package names that it claims to have installed.
mkdir -p "$root/usr/local/bin"
cat >"$root/usr/local/bin/rpm" <<'TEXT'
#!/bin/sh
# Not rpm: answers "rpm -q [--whatprovides] NAME..." from the list that the stand-in installer left, and refuses everything else.
list=/var/lib/iso2rootfs-standin/packages
[ "$1" = -q ] || { echo "rpm: this stand-in only answers rpm -q NAME" >&2; exit 2; }
shift
[ "$1" != --whatprovides ] || shift
status=0
for name; do
    if grep -qxF -e "$name" "$list"; then
        echo "$name-0-standin"
    else
        echo "package $name is not installed"
        status=$((status + 1))
    fi
done
exit $status
TEXT
chmod 755 "$root/usr/local/bin/rpm"

# No repository: the sources of the machine that built the medium are nobody's business, and the tests run without a network.
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/auth.conf.d/*
printf '# The stand-in medium configures no repository.\n' >"$root/etc/apt/sources.list"

# ping needs its capability: it is what the tests look for in the outputs.
if ! chroot "$root" getcap /usr/bin/ping | grep -q cap_net_raw; then
    chroot "$root" setcap cap_net_raw+ep /usr/bin/ping
fi
