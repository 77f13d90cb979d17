/* Contexts: flows of control with a stack of their own, between which a thread switches by a call. What a call preserves
   a switch preserves too: the registers that belong to the callee, and the control words of the floating-point unit.
   Signal masks, thread-local variables and everything else belong to the thread.

       struct mo_context here, there;
       mo_context_adopt(&here);
       mo_context_init(&there, stack, bytes, entry, arg);
       mo_context_switch(&here, &there);      // entry(arg) runs until it switches to &here
       mo_context_destroy(&there);            // it has left by mo_context_leave()

   A context may be continued by another thread than the one that it ran on last; the compiler does not know that, so code
   that runs on contexts must not keep the address of a thread-local variable across a switch. Unwinding ends at `entry`:
   an exception must not leave it. Hardware shadow stacks must be off, as glibc has them before 2.39. The sanitizers are
   told of each switch. */
#ifndef MO_PLAT_CONTEXT_H
#define MO_PLAT_CONTEXT_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define MO_CONTEXT_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define MO_CONTEXT_TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MO_CONTEXT_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define MO_CONTEXT_TSAN 1
#endif
#endif

struct mo_context {
    void *sp; /* while it does not run */
    void (*entry)(void *arg);
    void *arg;
#ifdef MO_CONTEXT_ASAN
    const void *stack;
    size_t bytes;
    void *fake_stack;
#endif
#ifdef MO_CONTEXT_TSAN
    void *fiber;
#endif
};

/* The calling thread's own flow of control, to come back to. */
void mo_context_adopt(struct mo_context *self);

/* One that will begin with entry(arg) on the `bytes` from `stack` on, which must be the caller's, at least
   MO_CONTEXT_STACK_MIN, and stay until it has been left for good. entry must not return. */
#define MO_CONTEXT_STACK_MIN 1024
void mo_context_init(struct mo_context *c, void *stack, size_t bytes, void (*entry)(void *arg), void *arg);

/* Go on with `to`, which does not run anywhere. Returns when somebody switches to `from`, which the caller is. Whoever
   hands `from` to another thread may do so only after this switch: until then its registers are not saved. */
void mo_context_switch(struct mo_context *from, struct mo_context *to);

/* The same where nobody will ever switch to `from` again. */
_Noreturn void mo_context_leave(struct mo_context *from, struct mo_context *to);

/* It has been left for good, or never began. Its stack is the caller's again. */
void mo_context_destroy(struct mo_context *c);

#endif
