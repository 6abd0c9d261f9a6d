package Newt;

# Draws what debian-installer's newt front end shows on a serial console of 80 columns and 24 rows: cursor addressing, and line drawing in the alternate
# character set. Nobody answers, so a dialog stays.
use strict;
use warnings;

my $COLUMNS = 80;
my $ROWS    = 24;

sub fold {
    my ($text, $width) = @_;
    my @lines;
    for my $paragraph (split /\n/, $text, -1) {
        while (length $paragraph > $width && $paragraph =~ /\A(.{1,$width}) (.*)\z/s) { push @lines, $1; $paragraph = $2 }
        push @lines, $paragraph;
    }
    return @lines;
}

# A box of WIDTH columns around LINES; the title stands in the top edge, between two tees.
sub draw {
    my ($title, $width, @lines) = @_;
    my $left = int(($COLUMNS - $width) / 2) + 1;
    my $top  = int(($ROWS - @lines - 2) / 2) + 1;
    $top = 2 if $top < 2;
    my $inside = $width - 2;
    my $edge   = $inside - length($title) - 4;
    my $before = int($edge / 2);
    my $text   = "\e[0m\e(B\e[37m\e[40m\e[H\e[J\e[1m\e[44m";
    $text .= "\e[$_;1H" . ' ' x ($COLUMNS - 1) for 2 .. $ROWS;
    $text .= "\e[$top;${left}H\e[0m\e(0\e[30m\e[47ml" . 'q' x $before . "u\e[0m\e(B\e[30m\e[47m \e[31m$title\e[30m \e(0t" . 'q' x ($edge - $before) . 'k';
    my $row = $top;
    for my $line (@lines) {
        $row++;
        $text .= "\e[$row;${left}Hx\e(B" . sprintf("%-${inside}s", " $line") . "\e(0x";
    }
    $row++;
    $text .= "\e[$row;${left}Hm" . 'q' x $inside . "j\e[0m\e(B";
    syswrite STDOUT, $text;
    return;
}

# progress TITLE, TEXT: the box with a bar, which asks nothing
sub progress {
    my ($title, $text) = @_;
    draw($title, 76, '', ' ' x 34 . '0%', '', $text, '');
    return;
}

# ask_for_ever MARK, TITLE, TEXT, KIND: KIND is entry (a field to be filled in), choice (Yes or No) or note (to be confirmed)
sub ask_for_ever {
    my ($mark, $title, $text, $kind) = @_;
    my @field  = $kind eq 'entry' ? ('_' x 71, '') : ();
    my $buttons = {
        entry  => '    <Go Back>' . ' ' x 42 . '<Continue>',
        choice => '    <Go Back>' . ' ' x 36 . '<Yes>    <No>',
        note   => '    <Go Back>' . ' ' x 42 . '<Continue>',
    }->{$kind};
    draw("[$mark] $title", 76, '', fold($text, 72), '', @field, $buttons, '');
    syswrite STDOUT, "\e[24;1H\e[44m<Tab> moves; <Space> selects; <Enter> activates buttons\e[0m";
    sleep 3600 while 1;
    return;
}

1;
