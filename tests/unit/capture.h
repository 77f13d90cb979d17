/* Catch what is written to standard error. */
#ifndef MO_TESTS_UNIT_CAPTURE_H
#define MO_TESTS_UNIT_CAPTURE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture {
    int saved, file;
};

static inline struct capture capture_begin(void)
{
    struct capture c = {.saved = dup(STDERR_FILENO), .file = memfd_create("stderr", MFD_CLOEXEC)};
    dup2(c.file, STDERR_FILENO);
    return c;
}

/* Gives standard error back and returns how many bytes went into `text`, which is ended by a zero byte. */
static inline size_t capture_end(struct capture c, char *text, size_t text_bytes)
{
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    ssize_t got = pread(c.file, text, text_bytes - 1, 0);
    close(c.file);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static inline unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

#endif
