/* What the programs of the benchmarks take and print: series of measurements. Each is one program of few files, so
   these are functions of each file. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_SAMPLES_MAX 512
#define BENCH_SERIES_MAX  4

/* One list of repeated measurements of the same thing. */
struct series {
    const char *name;
    const char *unit;
    bool more_is_better;
    int count;
    double samples[BENCH_SAMPLES_MAX];
};

struct result {
    int series_count;
    struct series series[BENCH_SERIES_MAX];
};

static inline double bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline struct series *bench_series(struct result *out, const char *name, const char *unit, bool more_is_better)
{
    struct series *series = &out->series[out->series_count++];
    series->name = name;
    series->unit = unit;
    series->more_is_better = more_is_better;
    series->count = 0;
    return series;
}

static inline void bench_sample(struct series *series, double value)
{
    if (series->count < BENCH_SAMPLES_MAX)
        series->samples[series->count++] = value;
}

/* Ends the process with a message and a failure unless `got` is `wanted`: what computes something else has no timing
   worth printing. */
static inline void bench_expect(const char *what, long got, long wanted)
{
    if (got == wanted)
        return;
    fprintf(stderr, "bench: wrong result: %s is %ld, should be %ld\n", what, got, wanted);
    exit(1);
}

/* As the member "series" of an object in JSON. */
static inline void bench_print_series(const struct result *result)
{
    printf("\"series\":[");
    for (int s = 0; s < result->series_count; s++) {
        const struct series *series = &result->series[s];
        printf("%s{\"name\":\"%s\",\"unit\":\"%s\",\"more_is_better\":%s,\"samples\":[", s ? "," : "", series->name,
               series->unit, series->more_is_better ? "true" : "false");
        for (int i = 0; i < series->count; i++)
            printf("%s%.6g", i ? "," : "", series->samples[i]);
        printf("]}");
    }
    printf("]");
}

#endif
