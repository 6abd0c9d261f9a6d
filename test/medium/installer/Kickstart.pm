package Kickstart;

# Reads a kickstart file and refuses what pykickstart refuses, in its words. The commands and options are those of the installer of
# openEuler 22.03 (Anaconda 33), as far as an unattended installation onto one disk needs them; the rest is known by name and refused as not imitated.
use strict;
use warnings;

# command => [flags, options with a value, least and most arguments]
my %COMMANDS = (
    (map { $_ => ['', '', 0, 0] } qw(cmdline skipx zerombr cdrom)),
    graphical  => ['non-interactive', '', 0, 0],
    text       => ['non-interactive', '', 0, 0],
    lang       => ['', 'addsupport', 1, 1],
    keyboard   => ['', 'vckeymap xlayouts switch', 0, 1],
    timezone   => ['utc isUtc isutc nontp', 'ntpservers', 0, 1],
    timesource => ['ntp-disable', 'ntp-server ntp-pool', 0, 0],
    rootpw     => ['iscrypted plaintext lock', '', 0, 1],
    authselect => ['*', '', 0, 99],
    network    => [
        'activate no-activate nodefroute noipv4 noipv6 nodns',
        'bootproto device ip ipv6 gateway ipv6gateway nameserver netmask hostname mtu dhcpclass onboot essid wepkey wpakey bondslaves bondopts vlanid'
            . ' interfacename teamslaves teamconfig bridgeslaves bridgeopts bindto',
        0, 0
    ],
    selinux  => ['enforcing permissive disabled', '', 0, 0],
    firewall => ['enabled enable disabled disable ssh http ftp smtp telnet use-system-defaults', 'port service trust remove-service', 0, 99],
    firstboot => ['enable enabled disable disabled reconfig', '', 0, 0],
    eula      => ['agreed',                                   '', 0, 0],
    clearpart  => ['all linux none initlabel cdl', 'drives list disklabel', 0, 0],
    ignoredisk => ['interactive',                  'drives only-use',       0, 0],
    part       => [
        'grow asprimary active recommended hibernation noformat resize encrypted',
        'size maxsize fstype fsoptions fsprofile mkfsoptions label ondisk ondrive onpart usepart uuid passphrase', 1, 1
    ],
    reqpart    => ['add-boot',                           '',                       0, 0],
    autopart   => ['nohome noboot noswap nolvm encrypted', 'type fstype passphrase', 0, 0],
    bootloader => [
        'disabled leavebootorder iscrypted nombr extlinux',
        'location append timeout boot-drive driveorder password default', 0, 0
    ],
    services => ['',                        'enabled disabled', 0, 0],
    sshkey   => ['',                        'username',         1, 1],
    sshpw    => ['iscrypted plaintext lock sshkey', 'username', 1, 99],
    user     => ['iscrypted plaintext lock', 'name groups homedir password shell uid gid gecos', 0, 0],
    group    => ['',                        'name gid', 0, 0],
    repo     => [
        'ignoregroups noverifyssl install',
        'name baseurl mirrorlist metalink cost excludepkgs includepkgs proxy sslcacert sslclientcert sslclientkey', 0, 0
    ],
    url       => ['noverifyssl', 'url mirrorlist metalink proxy sslcacert sslclientcert sslclientkey', 0, 0],
    nfs       => ['',            'server dir opts', 0, 0],
    harddrive => ['',            'partition biospart dir', 0, 0],
    (map { $_ => ['eject kexec', '', 0, 0] } qw(poweroff reboot halt shutdown)),
    logging    => ['', 'level host port', 0, 0],
    module     => ['disable', 'name stream', 0, 0],
    xconfig    => ['startxonboot', 'defaultdesktop', 0, 0],
    mediacheck => ['', '', 0, 0],
    unsupported_hardware => ['', '', 0, 0],
);
$COMMANDS{partition} = $COMMANDS{part};
my %NOT_IMITATED = map { $_ => 1 } qw(
    btrfs dmraid driverdisk fcoe hmc iscsi iscsiname liveimg logvol mount multipath nvdimm ostreesetup raid realm rescue rhsm snapshot syspurpose updates
    vnc volgroup zfcp zipl
);
my @SCRIPT = ('erroronfail', 'interpreter log logfile');
my %SECTIONS = (
    '%packages' => [
        'ignoremissing excludedocs nocore default multilib exclude-weakdeps excludeWeakdeps',
        'inst-langs instLangs timeout retries'
    ],
    '%pre'         => [@SCRIPT],
    '%pre-install' => [@SCRIPT],
    '%post'        => ['nochroot ' . $SCRIPT[0], $SCRIPT[1]],
    '%onerror'     => [@SCRIPT],
    '%traceback'   => [@SCRIPT],
    '%addon'       => undef,
    '%anaconda'    => ['', ''],
);

# A problem is a hash {line, message}; line is 0 where the words have none.
sub problem { my ($line, $message) = @_; die {line => $line, message => $message} }

# words LINE, NUMBER: split as a shell would, comments dropped
sub words {
    my ($text, $number) = @_;
    my (@words, $word);
    pos($text) = 0;
    while (pos($text) < length $text) {
        if    ($text =~ /\G\s+/gc)          { push @words, $word if defined $word; undef $word; }
        elsif ($text =~ /\G#/gc)            { last }
        elsif ($text =~ /\G'([^']*)'/gc)    { $word = ($word // '') . $1 }
        elsif ($text =~ /\G"((?:[^"\\]|\\.)*)"/gcs) {
            my $inner = $1;
            $inner =~ s/\\(["\\])/$1/g;
            $word = ($word // '') . $inner;
        }
        elsif ($text =~ /\G\\(.)/gcs)       { $word = ($word // '') . $1 }
        elsif ($text =~ /\G["']/gc)         { problem($number, 'No closing quotation') }
        elsif ($text =~ /\G[^\s"'\\#]+#*/gc) { $word = ($word // '') . $& }
    }
    push @words, $word if defined $word;
    return @words;
}

# options NAME, SPECIFICATION, LINE, WORDS: ({option => value}, [arguments]), or the refusal of argparse
sub options {
    my ($name, $specification, $line, @words) = @_;
    my ($flags, $values) = map { {map { $_ => 1 } split ' '} } @{$specification}[0, 1];
    my (%options, @arguments, @unknown);
    while (@words) {
        my $word = shift @words;
        if ($word !~ /\A--([^=]+)(?:=(.*))?\z/s) {
            push @arguments, $word;
            next;
        }
        my ($option, $value) = ($1, $2);
        if ($flags->{$option} && !defined $value) {
            $options{$option} = 1;
        }
        elsif ($values->{$option}) {
            $value = shift @words if !defined $value;
            problem($line, "argument --$option: expected one argument") if !defined $value;
            $options{$option} = $value;
        }
        elsif ($flags->{$option}) {
            problem($line, "argument --$option: ignored explicit argument '$value'");
        }
        elsif (!$flags->{'*'}) {
            push @unknown, $word;
        }
    }
    problem($line, "unrecognized arguments: @unknown") if @unknown;
    my ($least, $most) = @{$specification}[2, 3];
    if (defined $most && @arguments > $most) {
        my $list = join ', ', map {"'$_'"} @arguments[$most .. $#arguments];
        problem($line, "Unexpected arguments to $name command: [$list]");
    }
    problem($line, "the following arguments are required: <$name>") if defined $least && @arguments < $least;
    return (\%options, \@arguments);
}

# read_file PATH, ONLY_SCRIPTS: {commands, scripts, packages, addons}. With ONLY_SCRIPTS, as in Anaconda's first pass, commands are not looked at,
# because a %pre script may yet write what they include.
sub read_file {
    my ($path, $only_scripts) = @_;
    my %result = (commands => [], scripts => [], packages => undef, addons => []);
    read_into(\%result, $path, $only_scripts, 0);
    return \%result;
}

sub read_into {
    my ($result, $path, $only_scripts, $depth) = @_;
    open my $file, '<', $path or problem(0, "Unable to open input kickstart file: Error opening file: $path: $!");
    my @lines = <$file>;
    close $file;
    my ($number, $section) = (0, undef);
    for my $line (@lines) {
        $number++;
        if ($section) {
            my $is_end = $line =~ /\A\s*%end\b/;
            if ($is_end) {
                finish_section($result, $section);
                undef $section;
            }
            else {
                problem($number, "Section $section->{name} does not end with %end.")
                    if $line =~ /\A(%[a-z-]+)/ && exists $SECTIONS{$1};
                push @{$section->{lines}}, $line;
            }
            next;
        }
        my $text = $line;
        $text =~ s/\s+\z//;
        next if $text =~ /\A\s*(?:#|\z)/;
        if ($text =~ /\A\s*%include\s+(\S+)/) {
            next if $only_scripts;
            problem($number, 'Include files nested too deeply') if $depth > 8;
            read_into($result, $1, 0, $depth + 1);
            next;
        }
        next if $text =~ /\A\s*%ksappend\b/;
        if ($text =~ /\A\s*%/) {
            my ($name, @words) = words($text, $number);
            problem($number, "Unknown kickstart section: $name") if !exists $SECTIONS{$name};
            my ($options, $arguments) = $SECTIONS{$name} ? options($name, $SECTIONS{$name}, $number, @words) : ({}, \@words);
            $section = {name => $name, line => $number, options => $options, arguments => $arguments, lines => []};
            next;
        }
        next if $only_scripts;
        my ($name, @words) = words($text, $number);
        problem($number, "The kickstart command $name is not imitated by this stand-in for Anaconda.") if $NOT_IMITATED{$name};
        problem($number, "Unknown command: $name") if !$COMMANDS{$name};
        my ($options, $arguments) = options($name, $COMMANDS{$name}, $number, @words);
        push @{$result->{commands}}, {name => $name, line => $number, options => $options, arguments => $arguments};
    }
    problem($number, "Section $section->{name} does not end with %end.") if $section;
    return;
}

sub finish_section {
    my ($result, $section) = @_;
    my ($name, $options) = @{$section}{qw(name options)};
    if ($name eq '%packages') {
        my $packages = $result->{packages} //= {line => $section->{line}, options => {}, add => [], remove => []};
        %{$packages->{options}} = (%{$packages->{options}}, %{$options});
        for my $line (@{$section->{lines}}) {
            my ($entry) = $line =~ /\A\s*([^#]*?)\s*(?:#.*)?\z/s;
            next if $entry eq '';
            # A group may carry options of its own (--nodefaults, --optional).
            $entry =~ s/\s+--\S+//g if $entry =~ /\A-?@/;
            if   ($entry =~ s/\A-\s*//) { push @{$packages->{remove}}, $entry }
            else                        { push @{$packages->{add}},    $entry }
        }
    }
    elsif ($name eq '%addon') {
        push @{$result->{addons}}, $section->{arguments}[0] // '';
    }
    elsif ($name eq '%anaconda') {
        my $line = $section->{line};
        for my $text (@{$section->{lines}}) {
            $line++;
            my ($command) = words($text, $line);
            problem($line, "Unknown command: $command") if defined $command && $command !~ /\A(?:pwpolicy|installclass)\z/;
        }
    }
    else {
        push @{$result->{scripts}},
            {
            type        => substr($name, 1),
            line        => $section->{line},
            interpreter => $options->{interpreter} // '/bin/sh',
            log         => $options->{log} // $options->{logfile},
            is_fatal    => $options->{erroronfail} ? 1 : 0,
            is_chroot   => $name eq '%post' && !$options->{nochroot} ? 1 : 0,
            body        => join('', @{$section->{lines}}),
            };
    }
    return;
}

# all RESULT, NAME: the commands of that name, in order; last RESULT, NAME: the one that counts
sub all { my ($result, $name) = @_; return grep { $_->{name} eq $name } @{$result->{commands}} }

sub last_of { my ($result, @names) = @_; my %is = map { $_ => 1 } @names; return (grep { $is{$_->{name}} } @{$result->{commands}})[-1] }

1;
