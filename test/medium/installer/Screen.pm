package Screen;

# What the installer says: on its console, and, as time-stamped log lines, in /tmp/anaconda.log and on the virtio-serial port that Anaconda uses for its
# log. A log port that nobody reads must not stop the installation, so it is never waited for long.
use strict;
use warnings;
use Fcntl qw(O_WRONLY O_NONBLOCK);
use POSIX qw(strftime);

my $PORT_NAME = 'org.fedoraproject.anaconda.log.0';
my ($log, $port);
my $is_at_line_start = 1;

sub start {
    $| = 1;
    binmode STDOUT;
    open $log, '>>', '/tmp/anaconda.log' or die "/tmp/anaconda.log: $!";
    $log->autoflush(1);
    for my $entry (glob '/sys/class/virtio-ports/*') {
        open my $file, '<', "$entry/name" or next;
        my $name = <$file> // '';
        chomp $name;
        next if $name ne $PORT_NAME;
        my ($device) = $entry =~ m{([^/]+)$};
        sysopen $port, "/dev/$device", O_WRONLY | O_NONBLOCK or undef $port;
    }
    return;
}

# 03:17:30 as Anaconda's console has it
sub clock { return strftime('%H:%M:%S', gmtime) }

# record LEVEL, TOPIC, TEXT: a line of the log, LEVEL being DBG, INF, WRN, ERR or CRT
sub record {
    my ($level, $topic, $text) = @_;
    open my $uptime, '<', '/proc/uptime' or die "/proc/uptime: $!";
    my ($centiseconds) = <$uptime> =~ /\.(\d\d)/;
    for my $part (split /\n/, $text) {
        next if $part eq '';
        my $line = sprintf "%s,%s0 %s anaconda:%s: %s\n", clock(), $centiseconds, $level, $topic, $part;
        print {$log} $line;
        if ($port) {
            my $ready = '';
            vec($ready, fileno $port, 1) = 1;
            syswrite $port, $line if select(undef, $ready, undef, 0.5);
        }
    }
    return;
}

# put TEXT: as it is, on the console only
sub put {
    my ($text) = @_;
    return if $text eq '';
    print $text;
    $is_at_line_start = $text =~ /\n\z/ ? 1 : 0;
    return;
}

# tell TEXT: lines on the console and in the log
sub tell_all {
    my ($text, $topic, $level) = @_;
    put("\n") if !$is_at_line_start;
    put("$text\n");
    record($level // 'INF', $topic // 'anaconda', $text);
    return;
}

# fold TEXT: broken at blanks to the 80 columns of the text mode
sub fold {
    my ($text) = @_;
    my @lines;
    for my $line (split /\n/, $text, -1) {
        while (length $line > 79 && $line =~ /\A(.{1,79}) (.*)\z/s) {
            push @lines, $1;
            $line = $2;
        }
        push @lines, $line;
    }
    return join "\n", @lines;
}

sub rule { my $line = '=' x 80; put("$line\n$line\n"); return }

# The console has no keyboard that anybody sits at: whatever is asked here stays asked.
sub wait_for_ever {
    my ($prompt) = @_;
    put("\n") if !$is_at_line_start;
    put($prompt);
    record('DBG', 'simpleline', 'waiting for input');
    while (1) { my $answer = <STDIN>; sleep 3600 if !defined $answer; put($prompt); }
}

1;
