/* Memory that processes share: files without a disk, and who of those that have them open is alive. As plat.h: 0 or an
   errno value, nothing allocates.

   Whether a process is there is told by the kernel's locks of open file descriptions, one byte for each place. The
   kernel drops them when the last descriptor of a description is closed, also by a kill; nobody else can take them
   away, and what other processes write into the memory has no influence on them. */
#ifndef MO_PLAT_SHARE_H
#define MO_PLAT_SHARE_H

#include "base/atomic.h"

/* A new file of so many zeroed bytes, which nobody can make shorter or longer. The bytes are there: touching them never
   fails. */
int mo_plat_share_sealed(int *fd, size_t bytes);
/* The same, but not sealed, and without a name yet; to be seen by its user alone (0600). */
int mo_plat_share_plain(int *fd, size_t bytes);
/* Give it a name, or open what has that name. Names have no folder. EEXIST, ENOENT. */
int mo_plat_share_link(int fd, const char *name);
int mo_plat_share_open(int *fd, const char *name);
int mo_plat_share_unlink(const char *name);
/* Another description of the same file: with locks of its own. */
int mo_plat_share_reopen(int *own, int fd);
void mo_plat_share_close(int fd);

struct mo_share_facts {
    uint64_t bytes;
    bool sealed;  /* can be made neither shorter nor longer */
    bool private; /* belongs to the caller's user, and nobody else may open it */
    bool linked;  /* its name, if it ever had one, has not been taken away */
};
int mo_plat_share_facts(int fd, struct mo_share_facts *facts);
/* `name` is the name of this very file. */
bool mo_plat_share_is_named(int fd, const char *name);

int mo_plat_share_map(void **at, int fd, size_t bytes);

/* EAGAIN: another description has it. */
int mo_plat_share_lock(int fd, unsigned place);
void mo_plat_share_unlock(int fd, unsigned place);
/* Another description holds one of these places. Where the kernel does not answer: true. */
bool mo_plat_share_is_locked(int fd, unsigned first, unsigned places);

/* As mo_plat_futex_wait() and mo_plat_futex_wake(), for words that processes share; all are woken. Where the kernel
   refuses the wait it takes a millisecond. */
int mo_plat_share_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns);
void mo_plat_share_wake(_Atomic uint32_t *word);

/* Take part in barriers of other processes: false, the system has none. */
bool mo_plat_share_barrier_arm(void);
/* Every thread that runs, of each process that takes part, passes a full barrier. False: none did. */
bool mo_plat_share_barrier(void);

#endif
