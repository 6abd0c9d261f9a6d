#!/usr/bin/perl
# The other front end of the stand-in installer: behaves like debian-installer with newt on a serial line, driven by a preseed file. What it says in its log and
# what it asks is worded as debian-installer words it; the work on the disk is Target.pm's.
use strict;
use warnings;
use lib '/usr/libexec/standin';
use Newt;
use POSIX ();
use Preseed;
use Syslog;
use Target;

my $MEDIUM  = '/run/install/repo';
my $PRESEED = '/run/install/preseed.cfg';
my $ROOT    = '/target';

my %conf      = map { chomp; /\A(\w+)=(.*)\z/ ? ($1, $2) : () } split /^/, Target::slurp("$MEDIUM/standin.conf");
my $failure   = $conf{failure} // 'none';
my %argument  = map { /\A([^=]+)=(.*)\z/ ? ($1, $2) : ($_, 1) } split ' ', Target::slurp('/proc/cmdline');
my $is_critical = ($argument{priority} // $argument{'debconf/priority'} // 'high') eq 'critical';
my $answers   = {};
my $menu      = "main-menu[$$]";
my ($menu_item, $menu_title) = ('preseed', 'Load debconf preconfiguration file');

# ---------------------------------------------------------------- answers and questions

# answer QUESTION: its value, undef if the preseed file has none. A question can be answered on the kernel's command line, too.
sub answer {
    my ($question) = @_;
    return $argument{$question} if defined $argument{$question};
    return $answers->{$question} ? $answers->{$question}{value} : undef;
}

sub is_true { my ($question, $default) = @_; my $value = answer($question) // ($default ? 'true' : 'false'); return $value eq 'true' }

# ask TEXT, KIND: what nobody has answered. A question of the priority "critical" is marked with two exclamation marks.
sub ask {
    my ($text, $kind, $title) = @_;
    Newt::ask_for_ever('!!', $title // $menu_title, $text, $kind // 'entry');
    return;
}

# ask_if_high TEXT: a question of the priority "high", which is not shown with priority=critical
sub ask_if_high {
    my ($question, $text, $kind) = @_;
    return if $is_critical || defined answer($question);
    Newt::ask_for_ever('!', $menu_title, $text, $kind // 'entry');
    return;
}

# select_item ITEM, TITLE, PROGRESS: the main menu goes on to its next item
sub select_item {
    my ($progress);
    ($menu_item, $menu_title, $progress) = @_;
    Syslog::record($menu, "INFO: Menu item '$menu_item' selected");
    Newt::progress($menu_title, $progress) if defined $progress;
    return;
}

# fail_step TEXT, STATUS: the menu item has failed; two dialogs, of which nobody closes the first
sub fail_step {
    my ($text, $status) = @_;
    Syslog::record($menu, "WARNING **: Configuring '$menu_item' failed with error code $status");
    Syslog::record($menu, "WARNING **: Menu item '$menu_item' failed.");
    ask($text // "Installation step failed\nAn installation step failed. You can try to run the failing item again from the menu, or skip it and choose"
            . " something else. The failing step is: $menu_title", 'note');
    return;
}

# run_command QUESTION: preseed/early_command and preseed/late_command
sub run_command {
    my ($question) = @_;
    my $command = answer($question);
    return if !defined $command || $command eq '';
    $command = 'echo "standin: this command was made to fail"; exit 1' if $failure eq 'post-fail' && $question eq 'preseed/late_command';
    Syslog::record('preseed', "running preseed command $question: $command");
    Target::spew('/tmp/preseed-command', $command);
    my $status = Syslog::run('log-output', 'busybox', 'sh', '-c', $command);
    return if !$status;
    ask("Failed to run preseeded command\nExecution of preseeded command \"$command\" failed with exit code $status.", 'note');
    return;
}

# ---------------------------------------------------------------- the items of the main menu

sub load_preseed {
    if (!-f $PRESEED) {
        Syslog::record('preseed', 'no preseed file');
        return;
    }
    if (!eval { $answers = Preseed::read_file($PRESEED); 1 }) {
        Syslog::record('debconf-set-selections', "error: $@->{message}");
        ask("Failed to process the preconfiguration file\nThe installer failed to process the preconfiguration file from file:///preseed.cfg. The file may"
                . ' be corrupt.', 'note');
    }
    Syslog::record('preseed', 'successfully loaded preseed file from file:///preseed.cfg');
    Syslog::record('frontend', 'Setting debconf/priority to critical') if $is_critical;
    run_command('preseed/early_command');
    return;
}

sub set_language {
    select_item('localechooser', 'Select a language');
    # `auto` puts these two questions off until a preseed file has come over the network, which this one never does.
    return if $argument{auto} && $argument{auto} ne 'false';
    if (!defined answer('debian-installer/locale') && !defined answer('debian-installer/language')) {
        ask("Choose the language to be used for the installation process. The selected language will also be the default language for the installed system."
                . "\nLanguage:");
    }
    select_item('console-setup-udeb', 'Configure the keyboard');
    ask('Keymap to use:') if !defined answer('keyboard-configuration/xkb-keymap');
    return;
}

sub detect_medium {
    select_item('cdrom-detect', 'Detect and mount installation media', 'Detecting hardware to find installation media');
    my $info = Target::slurp("$MEDIUM/.disk/info");
    chomp $info;
    Syslog::record('cdrom-detect', "Searching for Debian installation media...\nCD-ROM mount succeeded: device=/dev/sr0 fstype=iso9660\nDetected CD '$info'\n"
            . "Detected CD with 'oldstable' (bookworm) distribution\nBase system installable from CD");
    select_item('load-cdrom', 'Load installer components from installation media', 'Loading additional components');
    return;
}

sub configure_network {
    select_item('ethdetect', 'Detect network hardware');
    select_item('netcfg', 'Configure the network');
    # Both are asked with the priority "high", have a default, and are never a reason to stop with priority=critical.
    ask_if_high('netcfg/get_hostname', 'Please enter the hostname for this system.');
    ask_if_high('netcfg/get_domain', 'The domain name is the part of your Internet address to the right of your host name.') if is_true('netcfg/enable', 1);
    my $hostname = answer('netcfg/hostname') // answer('netcfg/get_hostname');
    Syslog::record('netcfg', "DEBUG: Using preseeded hostname $hostname") if defined $hostname;
    return;
}

sub ask_for_users {
    select_item('user-setup-udeb', 'Set up users and passwords');
    if (is_true('passwd/root-login', 1) && !defined answer('passwd/root-password-crypted') && !defined answer('passwd/root-password')) {
        ask("You need to set a password for 'root', the system administrative account. A malicious or unqualified user with root access can have disastrous"
                . " results, so you should take care to choose a root password that is not easy to guess.\nRoot password:");
    }
    if (is_true('passwd/make-user', 1)) {
        ask("A user account will be created for you to use instead of the root account for non-administrative activities.\nFull name for the new user:")
            if !defined answer('passwd/user-fullname');
        ask("Select a username for the new account.\nUsername for your account:") if !defined answer('passwd/username');
        ask("A good password will contain a mixture of letters, numbers and punctuation and should be changed at regular intervals.\n"
                . 'Choose a password for the new user:') if !defined answer('passwd/user-password-crypted') && !defined answer('passwd/user-password');
    }
    select_item('clock-setup', 'Configure the clock');
    ask_if_high('time/zone', 'Select your time zone:');
    return;
}

# recipe: the partitions of partman-auto/expert_recipe, or of the recipe "atomic"
sub recipe {
    my $text = answer('partman-auto/expert_recipe');
    if (!defined $text || $text eq '') {
        return ({mount => '/', fstype => 'ext4', sizeMib => 1024, grow => 1}, {mount => 'swap', fstype => 'swap', sizeMib => 512});
    }
    $text =~ s/\A\s*\S+\s+:://;
    my @partitions;
    for my $part (split /\s\.(?:\s|\z)/, $text) {
        my ($least, $priority, $most, $type, $rest) = $part =~ /\A\s*(\d+)\s+(\d+)\s+(-?\d+%?)\s+(\S+)\s*(.*)\z/s;
        die "bad recipe: $part\n" if !defined $type;
        my $is_swap = $type eq 'linux-swap' || $rest =~ /method\{ swap \}/;
        my ($mount) = $rest =~ /mountpoint\{ (\S+) \}/;
        my ($named) = $rest =~ /\bfilesystem\{ (\S+) \}/;
        my $fstype = $is_swap ? 'swap' : $named // $type;
        $mount = 'swap' if $is_swap;
        die "bad recipe: a partition has no mount point\n" if !defined $mount;
        die "This stand-in cannot make a file system of type $fstype.\n" if $fstype !~ /\A(?:ext[234]|xfs|swap)\z/;
        push @partitions, {mount => $mount, fstype => $fstype, sizeMib => $least, grow => $most eq '-1' || $most > $least, maxMib => $most eq '-1' ? undef : $most};
    }
    return @partitions;
}

sub partition {
    select_item('disk-detect', 'Detect disks', 'Detecting disks and all other hardware');
    my @disks = Target::disks();
    if (!@disks) {
        Syslog::record('disk-detect', 'No disk drive was detected');
        ask('No disk drive was detected. If you know the name of the driver needed by your disk drive, you can select it from the list.');
    }
    select_item('partman-base', 'Partition disks', 'Starting up the partitioner');
    if ($failure eq 'poweroff') { finish('poweroff') }
    my $overview = 'This is an overview of your currently configured partitions and mount points. Select a partition to modify its settings (file system,'
        . ' mount point, etc.), a free space to create partitions, or a device to initialize its partition table.';
    ask('The installer can guide you through partitioning a disk (using different standard schemes) or, if you prefer, you can do it manually.'
            . "\nPartitioning method:") if !defined answer('partman-auto/method') && !defined answer('partman-auto/init_automatically_partition');
    die "The stand-in knows no other partitioning method than regular.\n" if (answer('partman-auto/method') // 'regular') ne 'regular';
    my $name = answer('partman-auto/disk') // "/dev/$disks[0]{name}";
    my ($disk) = grep {"/dev/$_->{name}" eq $name} @disks;
    ask("Note that all data on the disk you select will be erased, but not before you have confirmed that you really want to make the changes.\n"
            . 'Select disk to partition:') if !$disk || (@disks > 1 && !defined answer('partman-auto/disk'));
    ask("The disk can be partitioned using one of several different schemes. If you are unsure, choose the first one.\nPartitioning scheme:")
        if !defined answer('partman-auto/expert_recipe') && !defined answer('partman-auto/choose_recipe');
    my @partitions = recipe();
    if (!eval { Target::allocate($disk, 'dos', @partitions); 1 }) {
        Syslog::record('partman', 'Available disk space is too small for the recipe');
        ask("Failed to partition the selected disk\nThis probably happened because the selected disk or free space is too small to be automatically"
                . ' partitioned.', 'note');
    }
    ask($overview) if (answer('partman/choose_partition') // '') ne 'finish';
    if (!grep { $_->{fstype} eq 'swap' } @partitions and is_true('partman-basicfilesystems/no_swap', 1)) {
        ask('You have not selected any partitions for use as swap space. Enabling swap space is recommended so that the system can make better use of the'
                . " available physical memory.\nDo you want to return to the partitioning menu?", 'choice');
    }
    my ($root) = grep { $_->{mount} eq '/' } @partitions;
    ask("No root file system is defined.\nPlease correct this from the partitioning menu.", 'note') if !$root;
    if (!is_true('partman/confirm', 0) || $failure eq 'ask') {
        ask("If you continue, the changes listed below will be written to the disks. Otherwise, you will be able to make further changes manually.\n"
                . "The partition tables of the following devices are changed:\n$name\nWrite the changes to disks?", 'choice');
    }
    Target::use_root($ROOT);
    Target::partition($disk, 'dos', @partitions);
    Newt::progress('Partitions formatting', "Creating ext4 file system for / in partition #1 of $name");
    Target::make_filesystem($_) for @partitions;
    Target::mount_all(@partitions);
    return ($disk, @partitions);
}

sub install_base {
    my (@partitions) = @_;
    select_item('bootstrap-base', 'Install the base system', 'Installing the base system');
    if ($failure eq 'panic') {
        Target::spew('/run/standin.action', 'panic');
        exit 1;
    }
    if ($failure eq 'error') {
        Syslog::record('debootstrap', 'dpkg: error processing archive libc6 (--unpack): the stand-in was told to fail');
        Syslog::record('base-installer', 'error: exiting on error base-installer/debootstrap-failed');
        fail_step("Failed to install the base system\nThe debootstrap program exited with an error (return value 1).\nCheck /var/log/syslog or see virtual"
                . ' console 4 for the details.', 1);
    }
    my ($root) = grep { $_->{mount} eq '/' } @partitions;
    if ($root->{sizeMib} * 0.95 < Target::needed_mib()) {
        Syslog::record('debootstrap', 'tar: write error: No space left on device');
        fail_step("Failed to install the base system\nThe debootstrap program exited with an error (return value 1).", 1);
    }
    my @names = split ' ', Target::slurp(Target::payload() . '/packages.list');
    my $done = 0;
    Target::unpack_base(
        sub {
            my ($fraction) = @_;
            while ($done < @names && $done < int($fraction * @names + 0.5)) {
                (my $name = $names[$done++]) =~ s/\.[^.]+\z//;
                Syslog::record('debootstrap', "Unpacking $name ...");
            }
        }
    );
    Target::mount_virtual();
    Target::write_fstab(@partitions);
    my $id = Target::identify(answer('netcfg/hostname') // answer('netcfg/get_hostname') // 'debian');
    Target::run('/usr/libexec/standin/odd-entries.sh', $ROOT, Target::kernel_version(), $id);
    Target::spew("$ROOT/etc/iso2rootfs-standin", <<'TEXT', oct 644);
This system was installed from the Debian-like stand-in install medium of iso2rootfs (test/medium): a Debian system made from Debian's packages,
put on disk by an installer that behaves like debian-installer as far as an unattended installation can tell, and is none.
TEXT
    Target::run('sh', '-c', "mkdir -p $ROOT/var/lib/iso2rootfs-standin && chroot $ROOT dpkg-query -W -f='\${Package}\\n' | sort >$ROOT/var/lib/iso2rootfs-standin/packages");
    set_up_system();
    return;
}

sub set_up_system {
    my $zone = answer('time/zone') // 'Etc/UTC';
    if (-e "$ROOT/usr/share/zoneinfo/$zone") {
        unlink "$ROOT/etc/localtime";
        symlink "/usr/share/zoneinfo/$zone", "$ROOT/etc/localtime";
        Target::spew("$ROOT/etc/timezone", "$zone\n");
    }
    my $locale = answer('debian-installer/locale');
    Target::spew("$ROOT/etc/default/locale", "LANG=$locale\n", oct 644) if defined $locale;
    if (is_true('passwd/root-login', 1)) {
        Target::set_password('root', answer('passwd/root-password-crypted') // Target::crypt_password(answer('passwd/root-password')));
    }
    if (is_true('passwd/make-user', 1)) {
        my $user = answer('passwd/username');
        Target::run('chroot', $ROOT, 'useradd', '-m', '-s', '/bin/bash', '-c', answer('passwd/user-fullname'), $user);
        Target::set_password($user, answer('passwd/user-password-crypted') // Target::crypt_password(answer('passwd/user-password')));
    }
    return;
}

sub install_packages {
    select_item('apt-setup-udeb', 'Configure the package manager', 'Scanning the installation media');
    if (is_true('apt-setup/use_mirror', 1)) {
        Syslog::record('choose-mirror', 'WARNING **: mirror does not support the specified release (bookworm)');
        ask("Bad archive mirror\nAn error has been detected while trying to use the specified Debian archive mirror. This stand-in has no network.", 'note');
    }
    select_item('pkgsel', 'Select and install software', 'Select and install software');
    Syslog::record('pkgsel', 'starting tasksel');
    Syslog::record('pkgsel', 'installing additional packages');
    my %files = map { my ($name, @files) = split ' '; ($name => \@files) } split /\n/, Target::slurp(Target::payload() . '/optional/index');
    my %is_there = map { $_ => 1 } split /\n/, Target::output_of('chroot', $ROOT, 'dpkg-query', '-W', '-f=${Package}\n');
    my @wanted  = split /[\s,]+/, (answer('pkgsel/include') // '') =~ s/\A\s+//r;
    my @missing = grep { !$is_there{$_} && !$files{$_} } @wanted;
    if (@missing) {
        Syslog::record('in-target', join "\n", 'Reading package lists...', 'Building dependency tree...', map {"E: Unable to locate package $_"} @missing);
        fail_step(undef, 100);
    }
    my %seen;
    Target::install_debs(0, grep { !$seen{$_}++ } map { @{$files{$_}} } grep { !$is_there{$_} } @wanted);
    Syslog::record('pkgsel', 'finishing up');
    return;
}

sub install_boot_loader {
    my ($disk, @partitions) = @_;
    select_item('grub-installer', 'Install the GRUB boot loader', 'Installing GRUB boot loader');
    Syslog::record('grub-installer', 'info: architecture: amd64/generic');
    my $device = answer('grub-installer/bootdev');
    if (!defined $device || $device eq '') {
        ask("You need to make the newly installed system bootable, by installing the GRUB boot loader on a bootable device.\n"
                . 'Device for boot loader installation:');
    }
    $device = "/dev/$disk->{name}" if $device eq 'default';
    Syslog::record('grub-installer', "info: Installing grub on '$device'");
    Syslog::record('grub-installer', "info: Running chroot /target grub-install  --force \"$device\"");
    if ($device ne "/dev/$disk->{name}") {
        Syslog::record('grub-installer', "error: Running 'grub-install  --force \"$device\"' failed.");
        fail_step("Unable to install GRUB in $device\nExecuting 'grub-install $device' failed.\nThis is a fatal error.", 1);
    }
    Target::install_boot_loader($disk, \@partitions, answer('debian-installer/add-kernel-opts') // '', 5);
    return;
}

sub finish_installation {
    select_item('finish-install', 'Finish the installation', 'Finishing the installation');
    my $run = sub { Syslog::record('finish-install', "info: Running /usr/lib/finish-install.d/$_[0]") };
    $run->('07preseed');
    run_command('preseed/late_command') if $failure ne 'no-token';
    if (!$answers->{'finish-install/reboot_in_progress'}) {
        $run->('15cdrom-detect');
        ask("Installation complete\nInstallation is complete, so it is time to boot into your new system. Make sure to remove the installation media, so that"
                . ' you boot into the new system rather than restarting the installation.', 'note');
    }
    $run->($_) for qw(15cdrom-detect 94random-seed 94save-logs);
    Target::run('mkdir', '-p', "$ROOT/var/log/installer");
    Target::run('cp', '/var/log/syslog', "$ROOT/var/log/installer/syslog");
    chmod oct 600, "$ROOT/var/log/installer/syslog";
    $run->($_) for qw(95umount 98exit);
    finish(is_true('debian-installer/exit/poweroff', 0) ? 'poweroff' : is_true('debian-installer/exit/halt', 0) ? 'halt' : 'reboot');
    return;
}

# finish ACTION: leaves the rest to process 1
sub finish {
    my ($action) = @_;
    Target::unmount_all();
    Target::spew('/run/standin.action', $action);
    # Whoever follows the log gets to see its end.
    sleep 2;
    exit 0;
}

sub main {
    $| = 1;
    srand;
    syswrite STDOUT, "Starting system log daemon: syslogd, klogd.\n";
    sleep 3600 while $failure eq 'silent';
    Syslog::record('syslogd', 'started: this is a stand-in for debian-installer, made from Debian packages to test iso2rootfs');
    load_preseed();
    set_language();
    detect_medium();
    configure_network();
    ask_for_users();
    my ($disk, @partitions) = partition();
    install_base(@partitions);
    install_packages();
    install_boot_loader($disk, @partitions);
    finish_installation();
    return;
}

if (!eval { main(); 1 }) {
    my $error = ref $@ ? $@->{message} : $@;
    chomp $error;
    eval { Syslog::record('standin', "error: $error"); fail_step("An installation step failed\nThe stand-in installer: $error", 1) };
    sleep 3600 while 1;
}
