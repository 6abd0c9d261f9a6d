package Target;

# The engine: puts a system on a disk. Knows nothing of answer files or of what the front ends print. Every failure is a die with a text that the
# front end words in its installer's manner.
use strict;
use warnings;
use Screen;

my $ROOT    = '/mnt/sysimage';
my $PAYLOAD = (grep {-d} '/run/install/repo/Packages', '/run/install/repo/pool/standin')[0];
my $MIB     = 1024 * 1024;

sub root { return $ROOT }

sub payload { return $PAYLOAD }

# use_root DIRECTORY: where the new system is mounted, if not where Anaconda has it
sub use_root { ($ROOT) = @_; return }

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/ = undef;
    my $text = <$file>;
    return $text // '';
}

sub spew {
    my ($path, $text, $mode) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    chmod $mode, $path if defined $mode;
    return;
}

# run PROGRAM...: its output goes to /tmp/program.log; dies if it fails
sub run {
    my (@command) = @_;
    my $status = try_run(@command);
    die "$command[0] exited with status $status\n" . tail_of('/tmp/program.log') if $status;
    return;
}

sub try_run {
    my (@command) = @_;
    open my $log, '>>', '/tmp/program.log' or die "/tmp/program.log: $!\n";
    $log->autoflush(1);
    print {$log} Screen::clock() . ",000 INF program: Running... @command\n";
    my $process = fork // die "fork: $!\n";
    if (!$process) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>&', $log;
        open STDERR, '>&', $log;
        exec {$command[0]} @command or do { print {$log} "$command[0]: $!\n"; POSIX::_exit(127) };
    }
    waitpid $process, 0;
    return $? >> 8 || ($? & 127 ? 128 + ($? & 127) : 0);
}

sub output_of {
    my (@command) = @_;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    local $/ = undef;
    my $text = <$pipe> // '';
    close $pipe;
    chomp $text;
    return $text;
}

sub tail_of {
    my ($path) = @_;
    my @lines = split /\n/, slurp($path);
    splice @lines, 0, -5 if @lines > 5;
    return join '', map {"$_\n"} @lines;
}

# disks: {name, bytes} of every disk that can be installed to, CD drives and loops left out
sub disks {
    my @disks;
    for my $path (sort glob '/sys/block/*') {
        my ($name) = $path =~ m{([^/]+)\z};
        next if $name !~ /\A(?:vd|sd|hd|nvme)/;
        chomp(my $sectors = slurp("$path/size"));
        push @disks, {name => $name, bytes => $sectors * 512} if $sectors > 0;
    }
    return @disks;
}

# label_of DISK: its partition table type, '' if it has none
sub label_of { my ($disk) = @_; return output_of('blkid', '-p', '-s', 'PTTYPE', '-o', 'value', "/dev/$disk") }

# allocate DISK, LABEL, PARTITIONS: gives each partition {mount, fstype, sizeMib, grow, maxMib, label, options} its sizeMib and its number; dies if
# they do not fit. Growing partitions share what is left.
sub allocate {
    my ($disk, $label, @partitions) = @_;
    my $free = int($disk->{bytes} / $MIB) - 1 - ($label eq 'gpt' ? 1 : 0);
    $free -= $_->{sizeMib} for @partitions;
    die "Unable to allocate requested partition scheme.\n" if $free < 0 || ($label eq 'dos' && @partitions > 4) || !@partitions;
    my @growing = grep { $_->{grow} } @partitions;
    while ($free > 0 && @growing) {
        my $share = int($free / @growing) || 1;
        my @left;
        for my $partition (@growing) {
            my $wanted = $share > $free ? $free : $share;
            if ($partition->{maxMib} && $partition->{sizeMib} + $wanted >= $partition->{maxMib}) {
                $wanted = $partition->{maxMib} - $partition->{sizeMib};
            }
            else { push @left, $partition }
            $wanted = 0 if $wanted < 0;
            $partition->{sizeMib} += $wanted;
            $free -= $wanted;
        }
        @growing = @left;
    }
    my $number = 0;
    for my $partition (@partitions) {
        $partition->{number} = ++$number;
        $partition->{device} = "/dev/$disk->{name}" . ($disk->{name} =~ /\d\z/ ? 'p' : '') . $number;
    }
    return;
}

# partition DISK, LABEL, PARTITIONS: the table as allocated
sub partition {
    my ($disk, $label, @partitions) = @_;
    my %type = $label eq 'gpt'
        ? (biosboot => '21686148-6449-6E6F-744E-656564454649', efi => 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', swap => 'S')
        : (biosboot => '83', efi => 'EF', swap => '82');
    my $table = "label: $label\n";
    my $start = 1;
    my $has_active = grep { $_->{mount} eq '/boot' } @partitions;
    for my $partition (@partitions) {
        my $is_active = $label eq 'dos' && $partition->{mount} eq ($has_active ? '/boot' : '/');
        $table .= "start=${start}MiB, size=$partition->{sizeMib}MiB, type=" . ($type{$partition->{fstype}} // 'L') . ($is_active ? ', bootable' : '') . "\n";
        $start += $partition->{sizeMib};
    }
    spew('/tmp/partition.table', $table);
    run('sh', '-c', "sfdisk --wipe always --wipe-partitions always --no-tell-kernel /dev/$disk->{name} </tmp/partition.table");
    run('blockdev', '--rereadpt', "/dev/$disk->{name}");
    for my $partition (@partitions) {
        for (1 .. 50) { last if -b $partition->{device}; select undef, undef, undef, 0.1 }
        die "$partition->{device} did not appear\n" if !-b $partition->{device};
    }
    return;
}

# make_filesystem PARTITION
sub make_filesystem {
    my ($partition) = @_;
    my ($type, $device, $label) = @{$partition}{qw(fstype device label)};
    if    ($type eq 'biosboot') { return }
    elsif ($type eq 'swap')     { run('mkswap', $label ? ('-L', $label) : (), $device) }
    elsif ($type eq 'xfs')      { run('mkfs.xfs', '-f', '-q', '-K', $label ? ('-L', $label) : (), $device) }
    elsif ($type =~ /\Aext[234]\z/) { run("mkfs.$type", '-q', '-F', '-E', 'nodiscard', $label ? ('-L', $label) : (), $device) }
    else                        { die "This stand-in cannot make a file system of type $type.\n" }
    chomp($partition->{uuid} = output_of('blkid', '-s', 'UUID', '-o', 'value', $device));
    return;
}

# mount_all PARTITIONS: at $ROOT, outermost first, and what programs in the new system need
sub mount_all {
    my (@partitions) = @_;
    for my $partition (sort { length $a->{mount} <=> length $b->{mount} } grep { $_->{mount} =~ m{\A/} } @partitions) {
        run('mkdir', '-p', "$ROOT$partition->{mount}");
        run('mount', $partition->{device}, "$ROOT$partition->{mount}");
    }
    return;
}

sub mount_virtual {
    for my $each (qw(proc sys dev run)) {
        run('mkdir', '-p', "$ROOT/$each");
        run('mount', '--rbind', "/$each", "$ROOT/$each");
    }
    # Anaconda has the system at both places.
    run('mkdir', '-p', '/mnt/sysroot');
    run('mount', '--rbind', $ROOT, '/mnt/sysroot');
    return;
}

# needed_mib: what the base system takes, with some room for what runs in it
sub needed_mib { return slurp("$PAYLOAD/base.mib") * 1.15 + 64 }

# unpack_base PROGRESS: PROGRESS is called with a fraction from 0 to 1
sub unpack_base {
    my ($progress) = @_;
    my $records = slurp("$PAYLOAD/base.bytes") / 10240;
    my $command = "zstd -dc $PAYLOAD/base.tar.zst | tar --directory=$ROOT --extract --file=- --numeric-owner --same-permissions"
        . q( --xattrs --xattrs-include='*' --acls --checkpoint=200 --checkpoint-action=echo='@%u');
    open my $pipe, '-|', 'bash', '-c', "set -o pipefail; $command 2>&1" or die "tar: $!\n";
    my $messages = '';
    while (my $line = <$pipe>) {
        if   ($line =~ /@(\d+)$/) { $progress->($1 / $records) }
        else                      { $messages .= $line }
    }
    close $pipe or die "unpacking the base system failed: $messages\n";
    $progress->(1);
    return;
}

# install_debs EXCLUDE_DOCUMENTATION, FILES: with dpkg, in the new system
sub install_debs {
    my ($has_no_documentation, @files) = @_;
    return if !@files;
    run('mkdir', '-p', "$ROOT/tmp/debs");
    run('cp', (map {"$PAYLOAD/optional/$_"} @files), "$ROOT/tmp/debs/");
    my @options = $has_no_documentation ? ('--path-exclude=/usr/share/doc/*', '--path-exclude=/usr/share/man/*') : ();
    run('chroot', $ROOT, 'env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--force-unsafe-io', @options, '--install', map {"/tmp/debs/$_"} @files);
    run('rm', '-rf', "$ROOT/tmp/debs");
    return;
}

# write_fstab PARTITIONS
sub write_fstab {
    my (@partitions) = @_;
    my $text = "# Written by the stand-in installer.\n";
    for my $partition (sort { $a->{mount} cmp $b->{mount} } grep { $_->{uuid} } @partitions) {
        my ($uuid, $mount, $type, $options) = @{$partition}{qw(uuid mount fstype options)};
        my $pass = $type =~ /\Aext/ ? ($mount eq '/' ? 1 : 2) : 0;
        $text .= $type eq 'swap'
            ? "UUID=$uuid none swap defaults 0 0\n"
            : sprintf "UUID=%s %s %s %s 0 %d\n", $uuid, $mount, $type, $options || 'defaults', $pass;
    }
    spew("$ROOT/etc/fstab", $text, oct 644);
    return;
}

# identify HOSTNAME: what every installation has of its own
sub identify {
    my ($hostname) = @_;
    chomp(my $id = slurp('/proc/sys/kernel/random/uuid'));
    $id =~ tr/-//d;
    spew("$ROOT/etc/machine-id", "$id\n", oct 444);
    spew("$ROOT/etc/hostname", "$hostname\n", oct 644) if $hostname;
    run('sh', '-c', "umask 077; mkdir -p $ROOT/var/lib/systemd; head -c 512 /dev/urandom >$ROOT/var/lib/systemd/random-seed");
    run('chroot', $ROOT, 'ssh-keygen', '-A');
    return $id;
}

sub kernel_version { chomp(my $version = slurp("$PAYLOAD/kernel.version")); return $version }

# set_password USER, HASH: HASH as in /etc/shadow
sub set_password {
    my ($user, $hash) = @_;
    my @lines = map { s/\A(\Q$user\E):[^:]*:/$1:$hash:/r } split /\n/, slurp("$ROOT/etc/shadow");
    spew("$ROOT/etc/shadow", join("\n", @lines) . "\n");
    return;
}

sub crypt_password {
    my ($password) = @_;
    my @letters = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, '.', '/');
    return crypt $password, '$6$' . join('', map { $letters[rand @letters] } 1 .. 16) . '$';
}

# authorize USER, KEY
sub authorize {
    my ($user, $key) = @_;
    my ($uid, $gid, $home) = (split /:/, (grep {/\A\Q$user\E:/} split /\n/, slurp("$ROOT/etc/passwd"))[0] // '')[2, 3, 5];
    die "no user $user for the ssh key\n" if !defined $home;
    my $directory = "$ROOT$home/.ssh";
    mkdir $directory;
    my $file = "$directory/authorized_keys";
    spew($file, (-e $file ? slurp($file) : '') . "$key\n", oct 600);
    chmod oct 700, $directory;
    chown $uid, $gid, $directory, $file;
    return;
}

# install_boot_loader DISK, PARTITIONS, ARGUMENTS, TIMEOUT: GRUB into the master boot record, its configuration into /boot/grub
sub install_boot_loader {
    my ($disk, $partitions, $arguments, $timeout) = @_;
    my ($root) = grep { $_->{mount} eq '/' } @{$partitions};
    my ($boot) = grep { $_->{mount} eq '/boot' } @{$partitions};
    my $holder = $boot // $root;
    my $prefix = $boot ? '' : '/boot';
    my $kernel = kernel_version();
    my $initrd = -e "$ROOT/boot/initramfs-$kernel.img" ? "initramfs-$kernel.img" : "initrd.img-$kernel";
    my $speed  = $arguments =~ /console=ttyS0(?:,(\d+))?/ ? $1 // 115200 : 0;
    my $serial = $speed ? "serial --unit=0 --speed=$speed\nterminal_input console serial\nterminal_output console serial\n" : '';
    run('grub-install', '--target=i386-pc', "--boot-directory=$ROOT/boot", '--no-floppy', '--locales=', '--themes=', '--fonts=', "/dev/$disk->{name}");
    my $linux = "linux $prefix/vmlinuz-$kernel root=UUID=$root->{uuid} ro" . ($arguments ne '' ? " $arguments" : '');
    spew("$ROOT/boot/grub/grub.cfg", <<"TEXT", oct 600);
# Written by the stand-in installer.
${serial}set timeout=$timeout
menuentry 'Debian GNU/Linux, with Linux $kernel' {
    insmod part_msdos
    insmod part_gpt
    insmod $holder->{fstype}
    search --no-floppy --fs-uuid --set=root $holder->{uuid}
    $linux
    initrd $prefix/$initrd
}
TEXT
    spew("$ROOT/etc/default/grub", "GRUB_TIMEOUT=$timeout\nGRUB_CMDLINE_LINUX=\"$arguments\"\n", oct 644);
    return;
}

# run_script SCRIPT {body, interpreter, log, is_chroot}: (exit status, path of its output)
sub run_script {
    my ($script) = @_;
    my $base = $script->{is_chroot} ? $ROOT : '';
    my $name = sprintf '/tmp/ks-script-%08x', int rand 2**32;
    spew("$base$name", $script->{body}, oct 700);
    my $log = "$name.log";
    if ($script->{log}) {
        $log = "$base$script->{log}";
        (my $directory = $log) =~ s{/[^/]*\z}{};
        run('mkdir', '-p', $directory) if $directory ne '';
    }
    open my $output, '>', $log or die "$log: $!\n";
    my $process = fork // die "fork: $!\n";
    if (!$process) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>&', $output;
        open STDERR, '>&', $output;
        if ($base ne '') { chroot $base or POSIX::_exit(126) }
        chdir '/';
        exec {$script->{interpreter}} $script->{interpreter}, $name or POSIX::_exit(127);
    }
    waitpid $process, 0;
    my $status = $? >> 8 || ($? & 127 ? 128 + ($? & 127) : 0);
    unlink "$base$name";
    return ($status, $log);
}

sub unmount_all {
    try_run('sync');
    try_run('umount', '--recursive', '/mnt/sysroot');
    try_run('umount', '--recursive', $ROOT);
    try_run('sync');
    return;
}

1;
