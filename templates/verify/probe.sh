#!/bin/sh
# Runs in a system that is being verified and says on a serial port of its own what the boot came to: one line per fact, behind a mark.
# Needs no more than a POSIX shell, coreutils and systemd 215. Its directory has beside it: `port` (the serial device) and `capabilities`
# (the files, relative to /, that must have one).
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C SYSTEMD_COLORS=0 SYSTEMD_PAGER=''
here=$(dirname "$0")

# The device may come later than this script.
port=/dev/$(cat "$here/port")
tries=0
while ! { exec 3>"$port"; } 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || exit 1
    sleep 1
done
stty raw <&3 2>/dev/null

say() { printf 'ISO2ROOTFS %s\n' "$(printf '%s' "$*" | tr -c '[:print:]' ' ')" >&3; }

# Each line of stdin, after a word.
say_each() {
    while read -r line; do say "$1" "$line"; done
}

report_jobs() { systemctl list-jobs --no-legend --plain 2>/dev/null | head -n 10 | say_each job; }

wait_for_boot() {
    seconds=0
    while :; do
        state=$(systemctl is-system-running 2>/dev/null)
        case $state in
            running | degraded | maintenance | stopping) return ;;
        esac
        # For the case that nobody waits longer.
        [ $((seconds % 20)) -lt 18 ] || report_jobs
        seconds=$((seconds + 2))
        sleep 2
    done
}

report_addresses() {
    tries=0
    while :; do
        found=$(ip -o addr show scope global 2>/dev/null | awk '{ print $2, $4 }')
        [ -n "$found" ] || found=$(hostname -I 2>/dev/null | tr -s ' ' '\n' | grep .)
        [ -z "$found" ] || break
        tries=$((tries + 1))
        [ "$tries" -lt 30 ] || return
        sleep 1
    done
    printf '%s\n' "$found" | say_each address
}

report_capabilities() {
    while read -r file; do
        if [ ! -e "/$file" ]; then
            say capability missing "$file"
        elif ! found=$(getcap "/$file" 2>/dev/null); then
            say capability unknown "$file"
        elif [ -n "$found" ]; then
            say capability present "$file"
        else
            say capability absent "$file"
        fi
    done <"$here/capabilities"
}

report_cycles() {
    {
        dmesg 2>/dev/null
        journalctl --boot --quiet --no-pager --output=cat --priority=warning 2>/dev/null
    } | grep -i 'deleted to break ordering cycle' | sed 's/.*\] *systemd[^:]*: //' | sort -u | head -n 10 | say_each cycle
}

say begin 1
say kernel "$(uname -r)"
say root "$(stat --file-system --format=%T /)"
wait_for_boot
say state "$state"
if [ "$state" = maintenance ]; then
    # Which of two: systemd calls both so.
    mode=emergency
    ! systemctl --quiet is-active rescue.target || mode=rescue
    say mode "$mode"
fi
say default-target "$(systemctl get-default 2>/dev/null)"
say default-target-state "$(systemctl is-active default.target 2>/dev/null)"
systemctl list-units --failed --no-legend --plain 2>/dev/null | awk '{ print $1 }' | head -n 30 | say_each failed-unit
report_cycles
if [ "$state" = running ] || [ "$state" = degraded ]; then
    report_addresses
    report_capabilities
fi
[ ! -r /sys/fs/selinux/enforce ] || say selinux "$(cat /sys/fs/selinux/enforce)"
awk '$1 == "MemTotal:" || $1 == "MemAvailable:" { print tolower(substr($1, 1, length($1) - 1)), $2 * 1024 }' /proc/meminfo | say_each memory
say end
systemctl --no-block poweroff
