/* What the reactor and the ring of io_uring have from one another. */
#ifndef MO_IO_INTERNAL_H
#define MO_IO_INTERNAL_H

#include "io/io.h"

/* The epoll set, made when it is first asked for. */
int mo_io_set(int *set);
/* The thread is there until as many have left; else an errno value, and nobody has come. */
int mo_io_attend(void);
void mo_io_leave(void);
/* Requires the lock under which wakers are woken. */
void mo_io_set_waker(struct mo_worker *w, struct mo_waker *mine, const struct mo_waker *waker);

/* The ring's part of the thread's work, when one of its descriptors is ready. */
bool mo_uring_has(int fd);
void mo_uring_turn(void);
/* Have the thread take a turn. */
void mo_uring_kick(void);
/* There is another set. */
void mo_uring_moved(int set);
void mo_uring_forked(void);

#endif
