/* The rows of a library that has a bounded queue for any number of threads, and that one alone: `begin`, `put` and
   `take` come before this, and its name as LIBRARY. */
#ifndef BENCH_CHANNELS_BOUNDED_H
#define BENCH_CHANNELS_BOUNDED_H

static double mpmc_1p1c(void)
{
    return through(put, take, 1);
}

static double mpmc_4p4c(void)
{
    return through(put, take, 4);
}

static double mpmc_pair(void)
{
    return pairs(put, take);
}

int main(int argc, char **argv)
{
    static const struct task_row all[] = {
        {"mpmc_1p1c", mpmc_1p1c}, {"mpmc_4p4c", mpmc_4p4c}, {"mpmc_pair", mpmc_pair}, {NULL, NULL}};
    return measure_rows(LIBRARY, all, argc, argv, begin);
}

#endif
