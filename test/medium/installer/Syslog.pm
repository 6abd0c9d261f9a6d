package Syslog;

# /var/log/syslog, as debian-installer's syslogd writes it. Whoever wants it on the serial line has to follow the file.
use strict;
use warnings;
use Fcntl qw(O_APPEND O_CREAT O_WRONLY);
use POSIX qw(strftime);

# record PROGRAM, TEXT: one line of the log for every line of TEXT
sub record {
    my ($program, $text) = @_;
    sysopen my $log, '/var/log/syslog', O_WRONLY | O_APPEND | O_CREAT, oct 644 or die "/var/log/syslog: $!\n";
    my $time = strftime('%b %e %H:%M:%S', gmtime);
    syswrite $log, "$time $program: $_\n" for split /\n/, $text;
    close $log or die "/var/log/syslog: $!\n";
    return;
}

# run PROGRAM, COMMAND...: its output as lines of the log, in the name of PROGRAM; its exit status
sub run {
    my ($program, @command) = @_;
    my $process = open(my $pipe, '-|') // die "fork: $!\n";
    if (!$process) {
        open STDIN,  '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec {$command[0]} @command or do { print "$command[0]: $!\n"; POSIX::_exit(127) };
    }
    while (my $line = <$pipe>) { chomp $line; record($program, $line) }
    close $pipe;
    return $? >> 8 || ($? & 127 ? 128 + ($? & 127) : 0);
}

1;
