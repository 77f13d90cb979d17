# Interpreter threads: shared variables, conditions, queues.
use strict;
use warnings;
use threads;
use threads::shared;
use Thread::Queue;

my $turn : shared = 0;
my @order : shared;
my $players = 4;
my @players = map {
    my $me = $_;
    threads->create(sub {
        for (1 .. 50) {
            lock($turn);
            cond_wait($turn) while $turn % $players != $me;
            push @order, $me;
            $turn++;
            cond_broadcast($turn);
        }
    })
} 0 .. $players - 1;
$_->join for @players;
print "$turn @order[0..7] @order[-4..-1]\n";

my ($todo, $done) = (Thread::Queue->new, Thread::Queue->new);
my @workers = map {
    threads->create(sub {
        while (defined(my $n = $todo->dequeue)) { $done->enqueue($n * $n) }
    })
} 1 .. 3;
$todo->enqueue($_) for 1 .. 1000;
$todo->end;
$_->join for @workers;
my $sum = 0;
$sum += $done->dequeue for 1 .. 1000;
{
    my $late : shared;
    lock($late);
    print "$sum ", cond_timedwait($late, time + 1) ? "told" : "late", "\n";
}
