package Preseed;

# Reads a preseed file as debconf-set-selections does: `owner question type value` a line, `#` comments, and lines that go on after a backslash. The value
# begins after one blank and may be empty; a later answer to the same question replaces an earlier one.
use strict;
use warnings;

# read_file PATH: {question => {owner, type, value}}; dies with {line, message} if a line is none
sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or die {line => 0, message => "$path: $!"};
    my (%answers, $unfinished, $start);
    my $number = 0;
    while (my $line = <$file>) {
        $number++;
        $line =~ s/\r?\n\z//;
        if (defined $unfinished) { $line =~ s/\A\s+//; $line = $unfinished . $line }
        else                     { $start = $number }
        undef $unfinished;
        next if $line =~ /\A\s*(?:#|\z)/;
        if ($line =~ s/\\\z//) { $unfinished = $line; next }
        $line =~ /\A\s*(\S+)[ \t]+(\S+)[ \t]+(\S+)(?:[ \t](.*))?\z/s or die {line => $start, message => "parse error on line $start: '$line'"};
        my ($owner, $question, $type, $value) = ($1, $2, $3, $4 // '');
        if ($type eq 'seen') { next }
        if ($type !~ /\A(?:boolean|error|multiselect|note|password|select|string|text|title)\z/) {
            die {line => $start, message => "Unknown type $type on line $start"};
        }
        # The value of every type but string has no blanks at its ends.
        $value =~ s/\A\s+|\s+\z//g if $type ne 'string';
        $answers{$question} = {owner => $owner, type => $type, value => $value};
    }
    die {line => $start, message => "parse error on line $start: the file ends after a backslash"} if defined $unfinished;
    return \%answers;
}

1;
