#include "plat/share.h"
#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FOLDER     "/dev/shm"
#define PREFIX     FOLDER "/moirai."
#define PATH_BYTES (sizeof PREFIX + NAME_MAX)
#define REFUSED_NS 1000000
#define SEALS      (F_SEAL_SHRINK | F_SEAL_GROW)

/* Its bytes and its mode, or no file. */
static int fill(int fd, size_t bytes)
{
    int err;
    if (bytes > INT64_MAX || ftruncate(fd, (off_t)bytes) != 0)
        return bytes > INT64_MAX ? EINVAL : errno;
    do
        err = posix_fallocate(fd, 0, (off_t)bytes);
    while (err == EINTR);
    return err;
}

static int keep_or_close(int *to, int fd, int err)
{
    if (err)
        close(fd);
    else
        *to = fd;
    return err;
}

int mo_plat_share_sealed(int *fd, size_t bytes)
{
    int saved = errno, made = memfd_create("moirai-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err = made < 0 ? errno : 0;
    if (!err) {
        err = fill(made, bytes);
        if (!err && fcntl(made, F_ADD_SEALS, SEALS | F_SEAL_SEAL) != 0)
            err = errno;
        err = keep_or_close(fd, made, err);
    }
    errno = saved;
    return err;
}

int mo_plat_share_plain(int *fd, size_t bytes)
{
    int saved = errno, made = open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int err = made < 0 ? errno : 0;
    if (!err) {
        err = fchmod(made, 0600) != 0 ? errno : fill(made, bytes);
        err = keep_or_close(fd, made, err);
    }
    errno = saved;
    return err;
}

static const char *path_of(char *path, const char *name)
{
    snprintf(path, PATH_BYTES, PREFIX "%s", name);
    return path;
}

static const char *path_of_fd(char *path, int fd)
{
    snprintf(path, PATH_BYTES, "/proc/self/fd/%d", fd);
    return path;
}

int mo_plat_share_link(int fd, const char *name)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    int saved = errno;
    int err = linkat(AT_FDCWD, path_of_fd(from, fd), AT_FDCWD, path_of(to, name), AT_SYMLINK_FOLLOW) != 0 ? errno : 0;
    errno = saved;
    return err;
}

static int open_path(int *fd, const char *path, int flags)
{
    int saved = errno, opened;
    do
        opened = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    while (opened < 0 && errno == EINTR);
    int err = opened < 0 ? errno : 0;
    if (!err)
        *fd = opened;
    errno = saved;
    return err;
}

int mo_plat_share_open(int *fd, const char *name)
{
    char path[PATH_BYTES];
    return open_path(fd, path_of(path, name), O_NOFOLLOW);
}

int mo_plat_share_reopen(int *own, int fd)
{
    char path[PATH_BYTES];
    return open_path(own, path_of_fd(path, fd), 0);
}

int mo_plat_share_unlink(const char *name)
{
    char path[PATH_BYTES];
    int saved = errno, err = unlink(path_of(path, name)) != 0 ? errno : 0;
    errno = saved;
    return err;
}

void mo_plat_share_close(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

int mo_plat_share_facts(int fd, struct mo_share_facts *facts)
{
    struct stat st;
    int saved = errno, err = fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
    if (!err) {
        int seals = fcntl(fd, F_GET_SEALS);
        facts->bytes = (uint64_t)st.st_size;
        facts->sealed = seals >= 0 && (seals & SEALS) == SEALS;
        facts->private = st.st_uid == geteuid() && (st.st_mode & 077) == 0;
        facts->linked = st.st_nlink > 0;
    }
    errno = saved;
    return err;
}

bool mo_plat_share_is_named(int fd, const char *name)
{
    char path[PATH_BYTES];
    struct stat ours, there;
    int saved = errno;
    bool same = fstat(fd, &ours) == 0 && lstat(path_of(path, name), &there) == 0 && ours.st_dev == there.st_dev &&
                ours.st_ino == there.st_ino;
    errno = saved;
    return same;
}

int mo_plat_share_map(void **at, int fd, size_t bytes)
{
    int saved = errno;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int err = p == MAP_FAILED ? errno : 0;
    if (!err)
        *at = p;
    errno = saved;
    return err;
}

static int lock_call(int fd, int command, struct flock *lock, short type, unsigned first, unsigned places)
{
    int saved = errno, err;
    *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = places};
    do
        err = fcntl(fd, command, lock) != 0 ? errno : 0;
    while (err == EINTR);
    errno = saved;
    return err == EACCES ? EAGAIN : err;
}

int mo_plat_share_lock(int fd, unsigned place)
{
    struct flock lock;
    return lock_call(fd, F_OFD_SETLK, &lock, F_WRLCK, place, 1);
}

void mo_plat_share_unlock(int fd, unsigned place)
{
    struct flock lock;
    lock_call(fd, F_OFD_SETLK, &lock, F_UNLCK, place, 1);
}

bool mo_plat_share_is_locked(int fd, unsigned first, unsigned places)
{
    struct flock lock;
    return lock_call(fd, F_OFD_GETLK, &lock, F_WRLCK, first, places) != 0 || lock.l_type != F_UNLCK;
}

int mo_plat_share_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    int saved = errno;
    int err = syscall(SYS_futex, word, FUTEX_WAIT, seen, &ts, NULL, 0) == 0 ? 0 : errno;
    if (err && err != EAGAIN && err != EINTR && err != ETIMEDOUT)
        nanosleep(&(struct timespec){.tv_nsec = REFUSED_NS}, NULL);
    errno = saved;
    return err;
}

void mo_plat_share_wake(_Atomic uint32_t *word)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

static bool membarrier(int command)
{
    int saved = errno;
    long r = syscall(SYS_membarrier, command, 0, 0);
    errno = saved;
    return r == 0;
}

bool mo_plat_share_barrier_arm(void)
{
    return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}

bool mo_plat_share_barrier(void)
{
    return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}
