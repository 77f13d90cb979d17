/* The process's ring of io_uring: operations on files that the kernel carries out while nobody waits in a call.
   liburing is opened by name, so that nothing needs it to be installed.

   Not for two threads at a time. Memory, path and owner must stay until the owner has been taken, or has come back
   unsent. */
#ifndef MO_PLAT_URING_H
#define MO_PLAT_URING_H

#include <stdbool.h>
#include <stdint.h>

enum mo_plat_uring_code { MO_URING_READ, MO_URING_WRITE, MO_URING_OPEN, MO_URING_SYNC, MO_URING_CLOSE };

struct mo_plat_uring_call {
    const void *memory; /* to read into or to write, or a path */
    int64_t offset;     /* negative: the file's position */
    uint32_t bytes;     /* or the mode of a file that is made */
    int fd;             /* or flags of opening */
    uint8_t code;
};

struct mo_plat_uring_end {
    void *owner;
    int32_t result; /* bytes, a descriptor or 0; below 0 an errno value */
};

/* What is under way at a time. */
#define MO_PLAT_URING_DEPTH 256u

/* NULL: there is a ring, and `fd` is ready for reading when something has ended. Else why there is none, a constant. */
const char *mo_plat_uring_open(int *fd);
/* What is under way goes on without anybody noticing. In a forked child, which shares the ring, it leaves the parent's
   alone. */
void mo_plat_uring_close(void);

/* False: no room before something has been sent. */
bool mo_plat_uring_put(const struct mo_plat_uring_call *call, void *owner);
/* Ask for an end of what that owner has sent. Its own end has the owner NULL. */
bool mo_plat_uring_put_cancel(void *owner);
/* Send what was put. How many the kernel did not take, whose owners are in `unsent` (MO_PLAT_URING_DEPTH of them); if
   there are any, no more must be put. */
unsigned mo_plat_uring_send(void **unsent);
/* How many have ended, at most `max`. Without a call of the system. */
unsigned mo_plat_uring_take(struct mo_plat_uring_end *end, unsigned max);

#endif
