/* What Moirai's calls return: MOIRAI_OK or another value that is not negative where the call did what it is for, a
   negative one where it did not. Then nothing has changed, unless the call says otherwise. errno is neither read nor
   written.

     int status = moirai_mutex_try_lock(&mutex);
     if (status < 0)
         fprintf(stderr, "%s\n", moirai_status_text(status)); */
#ifndef MOIRAI_STATUS_H
#define MOIRAI_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

enum moirai_status {
    MOIRAI_OK = 0,
    MOIRAI_LAST = 1,        /* done, and the caller is the one that came last */
    MOIRAI_EBUSY = -1,      /* others have it, and the call does not wait */
    MOIRAI_ETIMEDOUT = -2,  /* the deadline came first */
    MOIRAI_EINVAL = -3,     /* an argument, or what it points to, is not what the call takes */
    MOIRAI_EPERM = -4,      /* the caller cannot give up what nobody has */
    MOIRAI_EOVERFLOW = -5,  /* a count is at its largest value */
    MOIRAI_ENOMEM = -6,     /* memory is exhausted */
    MOIRAI_EAGAIN = -7,     /* the system has no thread for this now */
    MOIRAI_ECANCELED = -8,  /* it was cancelled before it began */
    MOIRAI_EFAILED = -9,    /* it ran, and said that it failed */
    MOIRAI_ESHUTDOWN = -10, /* the executor takes no more */
    MOIRAI_EDEADLOCK = -11, /* the caller would wait for itself */
    MOIRAI_ESTALE = -12,    /* a handle that has been used up, or a number that nothing has any more */
    MOIRAI_EALREADY = -13,  /* that has been done, or is over */
    MOIRAI_ECLOSED = -14,   /* the other side has closed it, or the channel is closed, and for a receiver empty */
    MOIRAI_EPEER = -15,     /* the other side is a process that is dead */
    MOIRAI_EBROKEN = -16,   /* shared memory holds what must not be there */
    MOIRAI_EACCES = -17,    /* the system does not let the caller */
    MOIRAI_ENOFD = -18,     /* no descriptors are left */
    MOIRAI_EIO = -19        /* the system could not, for a reason that it gives */
};

/* What a status means, as a constant text without line end; values that are no status have one, too.
   Context: any thread, a signal handler.   Blocks: never. */
const char *moirai_status_text(int status);

#ifdef __cplusplus
}
#endif

#endif
