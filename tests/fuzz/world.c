#include "fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD  100000
#define OPEN_MAX_ 8

int __real_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *to, size_t bytes);
ssize_t __real_write(int fd, const void *from, size_t bytes);
int __real_close(int fd);
int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *to, size_t bytes);
ssize_t __wrap_write(int fd, const void *from, size_t bytes);
int __wrap_close(int fd);

static struct {
    const struct world_file *files;
    unsigned count;
    size_t read_bytes;
    bool interrupted; /* the last read */
} shown;

/* file NULL: free. */
static struct {
    const struct world_file *file;
    size_t at;
} opened[OPEN_MAX_];

static struct {
    bool on;
    size_t used;
    char text[1 << 18];
} ear;

char *fuzz_text(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 1);
    REQUIRE(text != NULL, "no memory");
    if (bytes > 0)
        memcpy(text, data, bytes);
    text[bytes] = '\0';
    return text;
}

void world_show(const struct world_file *files, unsigned count, size_t read_bytes)
{
    shown.files = files;
    shown.count = count;
    shown.read_bytes = read_bytes;
}

unsigned world_open_files(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < OPEN_MAX_; i++)
        count += opened[i].file != NULL;
    return count;
}

static int open_file(const struct world_file *file)
{
    unsigned i = 0;
    while (i < OPEN_MAX_ && opened[i].file != NULL)
        i++;
    REQUIRE(i < OPEN_MAX_, "too many open files");
    opened[i].file = file;
    opened[i].at = 0;
    return FIRST_FD + (int)i;
}

/* Not strcmp(), of which libFuzzer is told each time; the paths are in the dictionary. */
static bool is_path(const struct world_file *file, const char *path)
{
    const char *at = file->path;
    while (*at != '\0' && *at == *path) {
        at++;
        path++;
    }
    return *at == *path;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;
    va_end(args);
    if (strncmp(path, WORLD_ROOT, strlen(WORLD_ROOT)) != 0)
        return __real_open(path, flags, mode);
    for (unsigned i = 0; i < shown.count; i++)
        if (is_path(&shown.files[i], path + strlen(WORLD_ROOT)))
            return open_file(&shown.files[i]);
    errno = ENOENT;
    return -1;
}

ssize_t __wrap_read(int fd, void *to, size_t bytes)
{
    if (fd < FIRST_FD)
        return __real_read(fd, to, bytes);
    const struct world_file *file = opened[fd - FIRST_FD].file;
    size_t *at = &opened[fd - FIRST_FD].at, left = file->bytes - *at;
    shown.interrupted = shown.read_bytes > 0 && !shown.interrupted;
    if (shown.interrupted) {
        errno = EINTR;
        return -1;
    }
    bytes = bytes < left ? bytes : left;
    if (shown.read_bytes > 0 && bytes > shown.read_bytes)
        bytes = shown.read_bytes;
    if (bytes > 0)
        memcpy(to, file->text + *at, bytes);
    *at += bytes;
    return (ssize_t)bytes;
}

ssize_t __wrap_write(int fd, const void *from, size_t bytes)
{
    if (fd != STDERR_FILENO || !ear.on)
        return __real_write(fd, from, bytes);
    REQUIRE(bytes < sizeof ear.text - ear.used, "endless messages");
    memcpy(ear.text + ear.used, from, bytes);
    ear.used += bytes;
    return (ssize_t)bytes;
}

int __wrap_close(int fd)
{
    if (fd < FIRST_FD)
        return __real_close(fd);
    REQUIRE(opened[fd - FIRST_FD].file != NULL, "closed twice");
    opened[fd - FIRST_FD].file = NULL;
    return 0;
}

void world_listen(void)
{
    ear.on = true;
    ear.used = 0;
}

const char *world_heard(void)
{
    ear.on = false;
    ear.text[ear.used] = '\0';
    return ear.text;
}
