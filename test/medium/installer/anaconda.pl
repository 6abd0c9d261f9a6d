#!/usr/bin/perl
# The front end of the stand-in installer: behaves like Anaconda in text mode on a serial console, driven by a kickstart file. What it says is worded as
# Anaconda words it where a tool that watches could care; where it cannot do what Anaconda does it says that it is a stand-in. The work on the disk is
# Target.pm's.
use strict;
use warnings;
use lib '/usr/libexec/standin';
use Kickstart;
use POSIX ();
use Screen;
use Target;

my $VERSION   = '33.19-standin';
my $MEDIUM    = '/run/install/repo';
my $KICKSTART = '/run/install/ks.cfg';

my %conf = map { chomp; /\A(\w+)=(.*)\z/ ? ($1, $2) : () } split /^/, Target::slurp("$MEDIUM/standin.conf");
my ($failure, $failure_detail) = split /:/, $conf{failure} // 'none';
my @arguments = split ' ', Target::slurp('/proc/cmdline');
my %is_given = map { $_ => 1 } @arguments;

my $kickstart;
my $is_cmdline = $is_given{'inst.cmdline'} ? 1 : 0;
my $action     = 'reboot';                             # what Anaconda does when it ends for any reason, unless told otherwise
my $has_action = 0;

# end: leaves the rest to process 1
sub end {
    my ($what) = @_;
    Target::unmount_all();
    Target::spew('/run/standin.action', $what // $action);
    exit 0;
}

# fail_reading PROBLEM: the kickstart file is no good. Known before any of its commands counts, so the end is a reboot.
sub fail_reading {
    my ($problem) = @_;
    my $words = $problem->{line}
        ? "The following problem occurred on line $problem->{line} of the kickstart file:\n\n$problem->{message}"
        : $problem->{message};
    Screen::record('ERR', 'parse-kickstart', $words);
    Screen::put("\nAn error occurred during reading the kickstart file:\n$words\n\nThe installer will now terminate.\n");
    sleep 10;
    end('reboot');
}

# fail_cmdline MESSAGE: something would have to be asked where nothing can be
sub fail_cmdline {
    my ($message) = @_;
    Screen::record('ERR', 'anaconda', "CmdlineError: $message");
    Screen::put("\nThe installation was stopped due to an error which occurred while running in non-interactive cmdline mode."
            . " Since there cannot be any questions in cmdline mode, edit your kickstart file and retry installation. \n"
            . "The exact error message is: \n\n$message. \n\nThe installer will now terminate.\n");
    run_scripts('onerror');
    sleep 10;
    end();
}

# fail MESSAGE, QUESTION: an error of the installation. Text mode shows it and waits for somebody to press a key.
sub fail {
    my ($message, $question) = @_;
    Screen::record('ERR', 'anaconda.core.errors', $message);
    fail_cmdline("Non interactive installation failed: $message") if $is_cmdline && !$question;
    Screen::rule();
    Screen::put(($question ? "Question\n\n" : "Error\n\n") . Screen::fold($message) . "\n\n");
    Screen::wait_for_ever($question ? "Please respond 'yes' or 'no': " : 'Press ENTER to exit: ');
}

# ---------------------------------------------------------------- kickstart scripts

sub run_scripts {
    my ($type, $is_chroot) = @_;
    return 0 if !$kickstart;
    my @scripts = grep { $_->{type} eq $type && (!defined $is_chroot || $_->{is_chroot} == $is_chroot) } @{$kickstart->{scripts}};
    return 0 if !@scripts;
    Screen::record('INF', 'ks.scripts', "Running kickstart %$type script(s)");
    for my $script (@scripts) {
        my %made = %{$script};
        if ($failure eq 'post-fail' && $type eq 'post') {
            @made{qw(body interpreter)} = ("echo 'standin: this script was made to fail' >&2\nexit 1\n", '/bin/sh');
        }
        my ($status, $log) = Target::run_script(\%made);
        next if !$status;
        Screen::record('ERR', 'ks.scripts', "Error code $status running the kickstart script at line $script->{line}");
        next if !$script->{is_fatal} || $type eq 'onerror';
        my $details = Target::slurp($log);
        my $words = "There was an error running the kickstart script at line $script->{line}.  This is a fatal error and installation will be aborted."
            . "  The details of this error are:\n\n$details";
        Screen::record('ERR', 'anaconda.core.errors', $words);
        # Anaconda shows this one as a dialog even in cmdline mode, and there is nobody to close it.
        Screen::rule();
        Screen::put("Error\n\n" . Screen::fold($words) . "\n\n");
        Screen::wait_for_ever('Press ENTER to exit: ');
    }
    Screen::record('INF', 'ks.scripts', "All kickstart %$type script(s) have been run");
    return scalar @scripts;
}

# ---------------------------------------------------------------- what the kickstart asks for

sub option { my ($name, $option) = @_; my $command = Kickstart::last_of($kickstart, $name); return $command ? $command->{options}{$option} : undef }

# choose_disk: the disk to install to; refuses disks that are named and do not exist
sub choose_disk {
    my @disks = Target::disks();
    my %disk = map { $_->{name} => $_ } @disks;
    my @named;
    for my $use (['ignoredisk', 'only-use'], ['ignoredisk', 'drives'], ['clearpart', 'drives'], ['part', 'ondisk'], ['part', 'ondrive'], ['partition', 'ondisk']) {
        my ($name, $option) = @{$use};
        for my $command (Kickstart::all($kickstart, $name)) {
            for my $given (split /,/, $command->{options}{$option} // '') {
                (my $short = $given) =~ s{\A/dev/}{};
                Kickstart::problem($command->{line}, "Disk \"$given\" given in $name command does not exist.") if !$disk{$short};
                push @named, $short if $option ne 'drives' || $name ne 'ignoredisk';
                delete $disk{$short} if $option eq 'drives' && $name eq 'ignoredisk';
            }
        }
    }
    my $boot = Kickstart::last_of($kickstart, 'bootloader');
    if ($boot && defined $boot->{options}{'boot-drive'}) {
        (my $short = $boot->{options}{'boot-drive'}) =~ s{\A/dev/}{};
        Kickstart::problem($boot->{line}, "Requested boot drive \"$boot->{options}{'boot-drive'}\" doesn't exist or cannot be used.") if !$disk{$short};
    }
    return @named ? $disk{$named[0]} : (grep { $disk{$_->{name}} } @disks)[0];
}

# requested_partitions LABEL: as the commands part, reqpart and autopart have them
sub requested_partitions {
    my ($label) = @_;
    my @partitions;
    for my $command (@{$kickstart->{commands}}) {
        next if $command->{name} !~ /\Apart(?:ition)?\z/;
        my ($mount, $options) = ($command->{arguments}[0], $command->{options});
        my $line = $command->{line};
        Kickstart::problem($line, "The mount point \"$mount\" is not valid.  It must start with a /.") if $mount !~ m{\A(?:/|swap\z|biosboot\z|pv\.|raid\.|btrfs\.)};
        Kickstart::problem($line, "Partitions like $mount are not imitated by this stand-in for Anaconda.") if $mount =~ /\A(?:pv|raid|btrfs)\./;
        my $size = $options->{size};
        $size = 1024 if $mount eq 'swap' && ($options->{recommended} || $options->{hibernation});
        Kickstart::problem($line, 'Partition requires a size specification') if !defined $size;
        Kickstart::problem($line, "argument --size: invalid int value: '$size'") if $size !~ /\A\d+\z/;
        my $type = $options->{fstype} // ($mount =~ m{\A/} ? 'ext4' : $mount);
        $type = $mount if $mount eq 'swap' || $mount eq 'biosboot';
        Kickstart::problem($line, "The \"$type\" file system type is not supported.") if $type !~ /\A(?:ext[234]|xfs|swap|biosboot)\z/;
        push @partitions,
            {
            mount => $mount, fstype => $type, sizeMib => $size, grow => $options->{grow}, maxMib => $options->{maxsize},
            label => $options->{label}, options => $options->{fsoptions}
            };
    }
    my $automatic = Kickstart::last_of($kickstart, 'autopart');
    if ($automatic) {
        my $type = $automatic->{options}{fstype} // 'ext4';
        push @partitions, {mount => '/boot', fstype => 'ext4', sizeMib => 1024} if !$automatic->{options}{noboot};
        push @partitions, {mount => 'swap', fstype => 'swap', sizeMib => 512} if !$automatic->{options}{noswap};
        push @partitions, {mount => '/', fstype => $type, sizeMib => 1024, grow => 1};
    }
    my $required = Kickstart::last_of($kickstart, 'reqpart');
    if ($required && $required->{options}{'add-boot'} && !grep { $_->{mount} eq '/boot' } @partitions) {
        unshift @partitions, {mount => '/boot', fstype => 'ext4', sizeMib => 1024};
    }
    if ($label eq 'gpt' && ($required || $automatic) && !grep { $_->{fstype} eq 'biosboot' } @partitions) {
        unshift @partitions, {mount => 'biosboot', fstype => 'biosboot', sizeMib => 1};
    }
    return @partitions;
}

# choose_packages: names to install of the optional ones, in order; and what is missing, as dnf words it
sub choose_packages {
    my ($section) = @_;
    my (%environment, %group, %base, %optional);
    for my $line (split /\n/, Target::slurp("$MEDIUM/Packages/comps.txt")) {
        my ($kind, @words) = split ' ', $line;
        next if !defined $kind || $kind =~ /\A#/;
        if    ($kind eq 'base')        { @base{@words} = (1) x @words }
        elsif ($kind eq 'optional')    { $optional{$words[0]} = $words[1] }
        elsif ($kind eq 'group')       { my $name = shift @words; $group{$name}       = [@words] }
        elsif ($kind eq 'environment') { my $name = shift @words; $environment{$name} = [@words] }
    }
    my (%chosen, @missing_packages, @missing_groups);
    for my $entry (@{$section->{add}}) {
        if ($entry =~ /\A@(\^?)(.+)\z/) {
            my $members = $1 ? $environment{$2} : $group{$2} // $environment{$2};
            if   ($members) { @chosen{@{$members}} = (1) x @{$members} }
            else            { push @missing_groups, $2 }
            next;
        }
        (my $pattern = quotemeta $entry) =~ s/\\\*/.*/g;
        $pattern =~ s/\\\?/./g;
        my @matches = grep {/\A$pattern\z/} keys %base, keys %optional;
        push @missing_packages, $entry if !@matches;
        @chosen{grep { $optional{$_} } @matches} = (1) x @matches;
    }
    for my $entry (@{$section->{remove}}) {
        if   ($entry =~ /\A@\^?(.+)\z/) { delete @chosen{@{$group{$1} // []}} }
        else { (my $pattern = quotemeta $entry) =~ s/\\\*/.*/g; delete @chosen{grep {/\A$pattern\z/} keys %chosen} }
    }
    my $missing = join "\n", (@missing_packages ? 'missing packages: ' . join ', ', @missing_packages : ()),
        (@missing_groups ? 'missing groups or modules: ' . join ', ', @missing_groups : ());
    return ([sort keys %chosen], $missing, [sort keys %base]);
}

# source_problem: '' if the packages can be read; the installer has no network
sub source_problem {
    my $source = Kickstart::last_of($kickstart, qw(url nfs harddrive cdrom));
    my ($given) = map {/\Ainst\.repo=(.*)/ ? $1 : ()} @arguments;
    my $base = $source && $source->{name} eq 'url' ? $source->{options}{url} // $source->{options}{mirrorlist} // $source->{options}{metalink} // ''
        : $source && $source->{name} eq 'nfs' ? "nfs:$source->{options}{server}:$source->{options}{dir}"
        : $source ? ''
        : $given // '';
    if ($base ne '' && $base !~ m{\A(?:cdrom|hd:(?:CD)?LABEL=|file://\Q$MEDIUM\E)}) {
        Screen::record('ERR', 'packaging', "base repo ($base) not valid -- removing it");
        return "Failed to download metadata for repo 'anaconda': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried";
    }
    for my $repo (Kickstart::all($kickstart, 'repo')) {
        my $where = $repo->{options}{baseurl} // $repo->{options}{mirrorlist} // $repo->{options}{metalink} // '';
        Kickstart::problem($repo->{line}, 'One of --baseurl, --mirrorlist, or --metalink options must be specified for repo command.') if $where eq '';
        next if $where =~ m{\Afile://\Q$MEDIUM\E};
        return "Failed to download metadata for repo '$repo->{options}{name}': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried";
    }
    return '';
}

# ---------------------------------------------------------------- the summary screen

# hub ITEMS: [title, state, is complete] for each entry
sub hub {
    my (@items) = @_;
    Screen::rule();
    Screen::put("Installation\n\n");
    my $number = 0;
    while (@items) {
        my @pair = map { {title => sprintf('%d) [%s] %s', ++$number, $_->[2] ? 'x' : '!', $_->[0]), state => "($_->[1])"} } splice @items, 0, 2;
        Screen::put(sprintf("%-41s%s\n", $pair[0]{title}, $pair[1] ? $pair[1]{title} : '') =~ s/ +\n/\n/r);
        Screen::put(sprintf("       %-34s%s\n", $pair[0]{state}, $pair[1] ? "       $pair[1]{state}" : '') =~ s/ +\n/\n/r);
    }
    Screen::put("\n");
    return;
}

sub ask_in_hub {
    Screen::wait_for_ever("Please make a selection from the above ['b' to begin installation, 'q' to quit,\n'r' to refresh]: ");
}

# ---------------------------------------------------------------- failures made on purpose

sub misbehave_at {
    my ($stage) = @_;
    if ($failure eq 'silent' && $stage eq 'start') { sleep 86400 while 1 }
    if ($failure eq 'panic' && $stage eq 'install') {
        Screen::tell_all('Installing kernel.x86_64 (1/1)', 'packaging');
        Target::spew('/run/standin.action', 'panic');
        exit 1;
    }
    if ($failure eq 'poweroff' && $stage eq 'storage') { end('poweroff') }
    if ($failure eq 'error'    && $stage eq 'install') {
        Screen::record('ERR', 'packaging', 'Error in POSTIN scriptlet in rpm package glibc');
        my $words = "The following error occurred while installing.  This is a fatal error and installation will be aborted.\n\n"
            . 'DNF error: Error in POSTIN scriptlet in rpm package glibc';
        if ($is_cmdline) { fail_cmdline("Non interactive installation failed: $words") }
        Screen::put("\n" . Screen::fold($words) . "\n\nThe installer will now terminate.\n");
        sleep 10;
        end();
    }
    if ($failure eq 'traceback' && $stage eq 'install') {
        my $words = join "\n", "anaconda $VERSION exception report", 'Traceback (most recent call first):',
            '  File "/usr/lib64/python3.9/site-packages/pyanaconda/installation_tasks.py", line 421, in start', '    self.run_task()',
            '  File "/usr/lib64/python3.9/threading.py", line 910, in run', '    self._target(*self._args, **self._kwargs)',
            'dasbus.error.DBusError: the stand-in was told to fail';
        Screen::record('CRT', 'exception', "Traceback (most recent call last):\n$words");
        Screen::put("\nAn unknown error has occured, look at the /tmp/anaconda-tb* file(s) for more details\n");
        Screen::put("\n$words\n\n" . ($is_cmdline ? "Running in cmdline mode, no interactive debugging allowed.\nThe exact error message is:\n\n"
                    . "dasbus.error.DBusError: the stand-in was told to fail.\n\nThe installer will now terminate.\n" : ''));
        if (!$is_cmdline) {
            Screen::put("What do you want to do now?\n1) Report Bug\n2) Debug\n3) Run shell\n4) Quit\n\n");
            Screen::wait_for_ever("Please make a selection from the above: ");
        }
        sleep 10;
        end();
    }
    if ($failure eq 'oom' && $stage eq 'install') {
        # `oom:MIB`: only a machine with less than that is too small.
        my ($total_kib) = Target::slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+) kB/m;
        return if $failure_detail && $total_kib / 1024 >= $failure_detail;
        Target::spew('/proc/self/oom_score_adj', '1000');
        my @eaten;
        # No two alike: Perl lets equal constants share their memory.
        my $available = sub { (Target::slurp('/proc/meminfo') =~ /^MemAvailable:\s+(\d+) kB/m)[0] / 1024 };
        push @eaten, chr(65 + @eaten % 26) x (32 * 1024 * 1024) while $available->() > 150;
        # The kernel itself would go on looking for what it can give up for many minutes; so it is asked to kill now.
        Target::spew('/proc/sysrq-trigger', 'f');
        sleep 60;
    }
    if ($failure eq 'slow' && $stage eq 'install') {
        # Busy, and not a byte on the console: no reason to give up.
        my $until = time + ($failure_detail || 45);
        while (time < $until) { Target::try_run('sh', '-c', "head -c 20000000 /dev/zero >$MEDIUM/../slow; sha256sum $MEDIUM/../slow") }
        unlink "$MEDIUM/../slow";
    }
    return;
}

# ---------------------------------------------------------------- the installation, in order

sub read_kickstart {
    if (!-f $KICKSTART) {
        Screen::put("Starting automated install is not possible: no kickstart file.\n");
        hub(['Language settings', 'English (United States)', 1], ['Time settings', 'Timezone is not set.', 0],
            ['Installation source', 'Local media', 1], ['Software selection', 'Minimal Install', 1],
            ['Installation Destination', 'No disks selected', 0], ['Root password', 'Root account is disabled.', 0]);
        ask_in_hub();
    }
    # %pre scripts first: they may write what %include reads.
    eval { $kickstart = Kickstart::read_file($KICKSTART, 1); 1 } or fail_reading($@);
    if (grep { $_->{type} eq 'pre' } @{$kickstart->{scripts}}) {
        Screen::tell_all(Screen::clock() . ' Running pre-installation scripts', 'stdout');
        run_scripts('pre');
    }
    eval { $kickstart = Kickstart::read_file($KICKSTART, 0); 1 } or fail_reading($@);
    $is_cmdline ||= Kickstart::last_of($kickstart, 'cmdline') ? 1 : 0;
    my $end = Kickstart::last_of($kickstart, qw(poweroff shutdown reboot halt));
    if ($end) {
        $has_action = 1;
        $action = $end->{name} eq 'shutdown' ? 'poweroff' : $end->{name};
    }
    return;
}

sub main {
    Screen::start();
    srand;
    Screen::put("\nStarting installer, one moment...\n");
    Screen::tell_all("anaconda $VERSION for $conf{release} started.");
    Screen::put(" * this is a stand-in for Anaconda, made from Debian packages to test iso2rootfs\n"
            . " * installation log files are stored in /tmp during the installation\n"
            . " * shell is available on TTY2\n"
            . " * when reporting a bug add logs from /tmp as separate text/plain attachments\n");
    misbehave_at('start');
    read_kickstart();
    Screen::tell_all(Screen::clock() . ' Not asking for VNC because of an automated install', 'stdout');
    if ($is_given{'inst.text'} || Kickstart::last_of($kickstart, 'text')) {
        Screen::tell_all(Screen::clock() . ' Not asking for VNC because text mode was explicitly asked for in kickstart', 'stdout');
    }
    Screen::put('Starting automated install');
    Screen::record('INF', 'anaconda', 'Starting automated install');
    Screen::put('....');

    my ($disk, $label, @partitions, $storage_problem, $source_problem);
    my $section = $kickstart->{packages};
    my ($optional, $missing, $base) = ([], '', []);
    eval {
        $disk = choose_disk();
        my $cleared = Kickstart::last_of($kickstart, 'clearpart');
        my $present = $disk ? Target::label_of($disk->{name}) : '';
        $label = $cleared && $cleared->{options}{disklabel} // '';
        Kickstart::problem($cleared->{line}, "Disklabel \"$label\" given in clearpart command is not supported on this platform.") if $label !~ /\A(?:|gpt|msdos)\z/;
        $label = $disk && $disk->{bytes} > 2**41 ? 'gpt' : 'msdos' if $label eq '';
        $label = 'dos' if $label eq 'msdos';
        @partitions = requested_partitions($label);
        my $location = option('bootloader', 'location') // 'mbr';
        Kickstart::problem(0, 'GRUB2 does not support installation to a partition.') if $location =~ /\A(?:partition|boot)\z/;
        $source_problem = source_problem();
        ($optional, $missing, $base) = choose_packages($section) if $section;
        if (!$disk) {
            $storage_problem = 'No usable disks.';
        }
        elsif ($present ne '' && !($cleared && !$cleared->{options}{none})) {
            $storage_problem = 'Unable to allocate requested partition scheme.';
        }
        elsif (@partitions) {
            if (!eval { Target::allocate($disk, $label, @partitions); 1 }) { chomp($storage_problem = $@) }
            elsif (!grep { $_->{mount} eq '/' } @partitions) {
                $storage_problem = 'You have not defined a root partition (/), which is required for installation of openEuler to continue.';
            }
            elsif ($label eq 'gpt' && $location eq 'mbr' && !option('bootloader', 'disabled') && !grep { $_->{fstype} eq 'biosboot' } @partitions) {
                $storage_problem = "Your BIOS-based system needs a special partition to boot from a GPT disk label."
                    . " To continue, please create a 1MiB 'biosboot' type partition on the $disk->{name} disk.";
            }
        }
        1;
    } or do { die $@ if !ref $@; fail_reading($@) };

    Screen::tell_all('Saving storage configuration...', 'storage');
    Screen::put("..Checking storage configuration...\n");
    if ($storage_problem) {
        Screen::tell_all("storage configuration failed:\n$storage_problem", 'storage', 'ERR');
    }
    if ($source_problem) {
        Screen::tell_all("Payload setup error: $source_problem", 'packaging', 'ERR');
    }
    Screen::put("..........\n");
    my $has_login = Kickstart::last_of($kickstart, qw(rootpw user)) ? 1 : 0;
    my $zone      = Kickstart::last_of($kickstart, 'timezone');
    $zone = undef if $zone && !@{$zone->{arguments}};
    my $has_storage = @partitions && !$storage_problem;
    my @items = (
        ['Language settings',   'English (United States)', 1],
        ['Time settings',       $zone ? "$zone->{arguments}[0] timezone" : 'Timezone is not set.', $zone ? 1 : 0],
        ['Installation source', $source_problem ? 'Error setting up software source' : 'Local media', $source_problem ? 0 : 1],
        [
            'Software selection',
            $source_problem ? 'Error checking software selection' : $section ? 'Custom software selected' : 'Nothing selected',
            $source_problem || !$section ? 0 : 1
        ],
        [
            'Installation Destination',
            $storage_problem ? ($disk ? 'Error checking storage configuration' : 'No disks selected')
                : @partitions ? 'Custom partitioning selected' : 'Kickstart insufficient',
            $has_storage ? 1 : 0
        ],
        ['Kdump',                 'Kdump is disabled', 1],
        ['Network configuration', 'Not connected',     1],
        ['Root password', $has_login ? 'Password is set.' : 'Root account is disabled.', $has_login],
    );
    hub(@items);

    my ($root) = grep { $_->{mount} eq '/' } @partitions;
    my $lacking = $has_storage ? POSIX::ceil(Target::needed_mib() - $root->{sizeMib} * 0.95) : 0;
    if ($failure eq 'ask') {
        $items[4] = ['Installation Destination', 'No disks selected', 0];
        Screen::tell_all("storage configuration failed:\nUnable to allocate requested partition scheme.", 'storage', 'ERR');
        hub(@items);
        $is_cmdline = 0;
        $lacking = 1793.84;
    }
    my @open = map { $_->[0] } grep { !$_->[2] } @items;
    if ($is_cmdline && @open) { fail_cmdline(join "\n", 'The following mandatory spokes are not completed:', @open) }
    if ($lacking > 0) {
        my $words = "Not enough space in file systems for the current software selection.\n    An additional " . sprintf('%.2f MiB is needed.', $lacking);
        Screen::tell_all($words, 'payload', 'ERR');
        fail_cmdline($words =~ s/\n +/ /r =~ s/\.\z//r) if $is_cmdline;
        Screen::put("Enter 'b' to ignore the warning and attempt to install anyway.\n");
    }
    ask_in_hub() if @open || $lacking > 0;
    misbehave_at('storage');
    install($disk, $label, \@partitions, $section, $optional, $missing, $base);
    return;
}

sub install {
    my ($disk, $label, $partitions, $section, $optional, $missing, $base) = @_;
    Screen::rule();
    Screen::put("Progress\n\n.\n");
    Screen::tell_all('Setting up the installation environment');
    Screen::tell_all("Setting up $_ addon", 'addon') for @{$kickstart->{addons}};
    Screen::put("..\n");
    Screen::tell_all('Configuring storage', 'storage');
    Screen::tell_all("Creating disklabel on /dev/$disk->{name}", 'storage');
    Target::partition($disk, $label, @{$partitions});
    for my $partition (@{$partitions}) {
        Screen::tell_all("Creating $partition->{fstype} on $partition->{device}", 'storage');
        Target::make_filesystem($partition);
    }
    Target::mount_all(@{$partitions});
    Screen::put("...\n");
    if (grep { $_->{type} eq 'pre-install' } @{$kickstart->{scripts}}) {
        Screen::tell_all('Running pre-installation scripts', 'ks.scripts');
        run_scripts('pre-install');
    }
    Screen::put(".\n");
    Screen::tell_all('Running pre-installation tasks');
    Screen::put("...\n");
    Screen::tell_all('Installing.', 'packaging');
    if ($missing ne '' && !$section->{options}{ignoremissing}) {
        Screen::record('ERR', 'packaging', $missing);
        fail("Problems in request:\n$missing") if $is_cmdline;
        fail("Problems in request:\n$missing\n\nWould you like to ignore this and continue with installation?", 1);
    }
    elsif ($missing ne '') {
        Screen::record('WRN', 'packaging', "ignored: $missing");
    }
    Screen::tell_all('Starting package installation process', 'packaging');
    misbehave_at('install');
    install_packages($section, $optional, $base);

    Screen::tell_all('Performing post-installation setup tasks');
    Target::mount_virtual();
    install_optional($section, $optional);
    configure($partitions);
    install_boot_loader($disk, $partitions);
    run_post_scripts();
    Screen::tell_all('Storing configuration files and kickstarts');
    store_logs();
    Target::unmount_all();
    Screen::tell_all('Installation complete') if $has_action;
    if (!$has_action) {
        Screen::record('INF', 'anaconda', 'Installation complete');
        Screen::wait_for_ever('Installation complete. Press ENTER to quit: ');
    }
    end();
    return;
}

my @installed;

sub install_packages {
    my ($section, $optional, $base) = @_;
    my @names = split ' ', Target::slurp("$MEDIUM/Packages/packages.list");
    my $total = @names + @{$optional};
    my $done  = 0;
    Screen::tell_all("Downloading packages", 'packaging');
    Target::unpack_base(
        sub {
            my ($fraction) = @_;
            while ($done < @names && $done < int($fraction * @names + 0.5)) {
                Screen::tell_all(sprintf('Installing %s (%d/%d)', $names[$done], ++$done, $total), 'packaging');
            }
        }
    );
    for my $name (@{$optional}) { Screen::tell_all(sprintf('Installing %s.x86_64 (%d/%d)', $name, ++$done, $total), 'packaging') }
    @installed = sort @{$base}, @{$optional};
    return;
}

sub install_optional {
    my ($section, $optional) = @_;
    my %files = map { my ($name, @files) = split ' '; ($name => \@files) } split /\n/, Target::slurp("$MEDIUM/Packages/optional/index");
    my %seen;
    my @files = grep { !$seen{$_}++ } map { @{$files{$_} // []} } @{$optional};
    Target::install_debs($section->{options}{excludedocs}, @files);
    Screen::tell_all("Configuring $_.x86_64", 'packaging') for @{$optional};
    return;
}

sub configure {
    my ($partitions) = @_;
    my $root = Target::root();
    Screen::tell_all('Configuring installed system');
    my ($hostname) = map { $_->{options}{hostname} // () } reverse Kickstart::all($kickstart, 'network');
    Target::write_fstab(@{$partitions});
    my $id = Target::identify($hostname // '');
    Target::run('mkdir', '-p', "$root/var/lib/iso2rootfs-standin");
    Target::spew("$root/var/lib/iso2rootfs-standin/packages", join('', map {"$_\n"} @installed), oct 644);
    Target::run('/usr/libexec/standin/odd-entries.sh', $root, Target::kernel_version(), $id);
    my $zone = Kickstart::last_of($kickstart, 'timezone');
    if (-e "$root/usr/share/zoneinfo/$zone->{arguments}[0]") {
        unlink "$root/etc/localtime";
        symlink "/usr/share/zoneinfo/$zone->{arguments}[0]", "$root/etc/localtime";
        Target::spew("$root/etc/timezone", "$zone->{arguments}[0]\n");
    }
    else { Screen::record('WRN', 'localization', "Timezone $zone->{arguments}[0] set in kickstart is not valid.") }
    my $lang = Kickstart::last_of($kickstart, 'lang');
    Target::spew("$root/etc/default/locale", "LANG=$lang->{arguments}[0]\n") if $lang;
    Screen::tell_all('Writing network configuration', 'network');
    Screen::tell_all('Creating users', 'users');
    create_users();
    my $services = Kickstart::last_of($kickstart, 'services');
    my $network = -e "$root/lib/systemd/system/NetworkManager.service" ? 'NetworkManager' : 'systemd-networkd';
    my %debian_name = (sshd => 'ssh', crond => 'cron', network => $network, NetworkManager => $network, nfs => 'nfs-common');
    for my $verb ($services ? qw(enabled disabled) : ()) {
        for my $name (split /\s*,\s*/, $services->{options}{$verb} // '') {
            (my $unit = $name) =~ s/\.service\z//;
            my $status = Target::try_run('chroot', $root, 'systemctl', $verb =~ s/d\z//r, $debian_name{$unit} // $unit);
            Screen::record('WRN', 'services', "the unit $name does not exist here") if $status;
        }
    }
    Screen::tell_all('Configuring addons', 'addon');
    Screen::tell_all('Generating initramfs');
    return;
}

sub password_hash {
    my ($options, $password) = @_;
    return ($options->{lock} ? '!' : '') . ($options->{iscrypted} ? $password : Target::crypt_password($password));
}

sub create_users {
    my $root = Target::root();
    my $password = Kickstart::last_of($kickstart, 'rootpw');
    if ($password) {
        my $text = $password->{arguments}[0];
        Target::set_password('root', defined $text ? password_hash($password->{options}, $text) : '!*');
    }
    for my $group (Kickstart::all($kickstart, 'group')) {
        my $options = $group->{options};
        Target::run('chroot', $root, 'groupadd', '-f', $options->{gid} ? ('-g', $options->{gid}) : (), $options->{name});
    }
    for my $user (Kickstart::all($kickstart, 'user')) {
        my $options = $user->{options};
        # wheel is sudo here.
        my @groups = map { $_ eq 'wheel' ? 'sudo' : $_ } split /\s*,\s*/, $options->{groups} // '';
        Target::run('chroot', $root, 'useradd', '-m', '-s', $options->{shell} // '/bin/bash', $options->{uid} ? ('-u', $options->{uid}) : (),
            $options->{homedir} ? ('-d', $options->{homedir}) : (), @groups ? ('-G', join ',', @groups) : (),
            defined $options->{gecos} ? ('-c', $options->{gecos}) : (), $options->{name});
        Target::set_password($options->{name}, password_hash($options, $options->{password})) if defined $options->{password};
    }
    for my $key (Kickstart::all($kickstart, 'sshkey')) {
        Target::authorize($key->{options}{username} // 'root', $key->{arguments}[0]);
    }
    return;
}

sub install_boot_loader {
    my ($disk, $partitions) = @_;
    my $command = Kickstart::last_of($kickstart, 'bootloader');
    my $options = $command ? $command->{options} : {};
    if ($options->{disabled} || ($options->{location} // 'mbr') eq 'none') {
        Screen::record('INF', 'bootloader', 'Skipping boot loader installation per user request');
        return;
    }
    Screen::tell_all('Installing boot loader', 'bootloader');
    my $kernel_arguments = $options->{append} // '';
    # As Anaconda does: the installed system talks on the console that it was installed on.
    for my $console (grep {/\Aconsole=/} @arguments) {
        $kernel_arguments = join ' ', $kernel_arguments eq '' ? () : $kernel_arguments, $console if $kernel_arguments !~ /(?:\A| )\Q$console\E(?:[ ,]|\z)/;
    }
    Target::install_boot_loader($disk, $partitions, $kernel_arguments, $options->{timeout} // 1);
    return;
}

sub run_post_scripts {
    return if $failure eq 'no-token' || !grep { $_->{type} eq 'post' } @{$kickstart->{scripts}};
    Screen::tell_all('Running post-installation scripts', 'ks.scripts');
    run_scripts('post');
    return;
}

sub store_logs {
    my $logs = Target::root() . '/var/log/anaconda';
    Target::run('mkdir', '-p', $logs);
    Target::run('cp', $KICKSTART, Target::root() . '/root/original-ks.cfg');
    Target::run('cp', $KICKSTART, Target::root() . '/root/anaconda-ks.cfg');
    chmod oct 600, Target::root() . "/root/$_-ks.cfg" for qw(original anaconda);
    for my $log (glob '/tmp/*.log') { Target::try_run('cp', $log, $logs) }
    Target::try_run('chmod', '-R', 'go=', $logs);
    chmod oct 755, $logs;
    return;
}

if (!eval { main(); 1 }) {
    my $error = ref $@ ? $@->{message} : $@;
    chomp $error;
    eval { Screen::record('CRT', 'exception', "Traceback (most recent call last):\n$error") };
    Screen::put("\nTraceback (most recent call last):\nstand-in installer: $error\n");
    fail_cmdline("Non interactive installation failed: $error") if $is_cmdline;
    Screen::put("What do you want to do now?\n1) Report Bug\n2) Debug\n3) Run shell\n4) Quit\n\n");
    Screen::wait_for_ever('Please make a selection from the above: ');
}
