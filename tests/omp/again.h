/* Programs that are about settings start themselves again with some, and look at what that run prints. */
#ifndef TESTS_AGAIN_H
#define TESTS_AGAIN_H

#include <sched.h>
#include <unistd.h>
#include "check.h"

#define AGAIN_BYTES 8192

/* Run `command`; its output to `text`, with the error output if the command asks for it. Its status is returned. */
static inline int again_read(const char *command, char text[AGAIN_BYTES])
{
    FILE *pipe = popen(command, "r");
    size_t bytes = pipe ? fread(text, 1, AGAIN_BYTES - 1, pipe) : 0;
    text[bytes] = 0;
    return pipe ? pclose(pipe) : -1;
}

/* Two CPUs that the process may use, or one twice: as the first process sees them, since a later one may be bound. */
static inline void again_cpus(int *a, int *b)
{
    cpu_set_t all;
    char text[100];
    if (getenv("TEST_CPUS") && sscanf(getenv("TEST_CPUS"), "%d %d", a, b) == 2)
        return;
    CPU_ZERO(&all);
    sched_getaffinity(0, sizeof all, &all);
    for (*a = 0; !CPU_ISSET(*a, &all); ++*a)
        ;
    for (*b = *a + 1; *b < CPU_SETSIZE && !CPU_ISSET(*b, &all); ++*b)
        ;
    if (*b == CPU_SETSIZE)
        *b = *a;
    snprintf(text, sizeof text, "%d %d", *a, *b);
    setenv("TEST_CPUS", text, 1);
}

/* This program with those settings and arguments must print `expected`. */
static inline void again_expect(const char *settings, const char *arguments, const char *expected)
{
    char command[2 * AGAIN_BYTES], text[AGAIN_BYTES], self[1000];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    snprintf(command, sizeof command, "env %s '%s' %s 2>&1", settings, self, arguments);
    int status = again_read(command, text);
    if ((status || strcmp(text, expected)) && check_first_lines())
        fprintf(stderr, "%s %s: status %d\n  printed:  %s\n  expected: %s\n", settings, arguments, status, text,
                expected);
}

#endif
