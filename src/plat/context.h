/* Contexts: flows of control with a stack of their own, between which a thread switches by a call. What a call
   preserves a switch preserves too: the registers that belong to the callee, and the control words of the
   floating-point unit. Signal masks, thread-local variables and everything else belong to the thread.

       struct mo_context here, there;
       mo_context_adopt(&here);
       mo_context_init(&there, stack, bytes, entry, arg);
       mo_context_switch(&here, &there);      // entry(arg) runs until it switches to &here
       mo_context_destroy(&there);            // it has left by mo_context_leave()

   A context may be continued by another thread than the one that it ran on last; the compiler does not know that, so
   code that runs on contexts must not keep the address of a thread-local variable across a switch. Unwinding ends at
   `entry`: an exception must not leave it. Hardware shadow stacks must be off, as glibc has them before 2.39. The
   sanitizers are told of each switch. */
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

#ifdef MO_CONTEXT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef MO_CONTEXT_TSAN
#include <sanitizer/tsan_interface.h>
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

/* ---- The switch, inline. */
#if defined(__x86_64__)
#ifdef __AVX512F__
#define MO_CONTEXT_MORE                                                                                                \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",      \
        "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define MO_CONTEXT_MORE
#endif
/* No call: context.c says why. The compiler saves what it needs of the registers. */
static inline void *mo_plat_context_leap(void **saved, void *sp, void *carry)
{
    void *left;
    __asm__ volatile("leaq 1f(%%rip), %%rcx\n"
                     "    jmp mo_plat_context_swap\n"
                     "1:"
                     : "=a"(left), "+D"(saved), "+S"(sp), "+d"(carry)
                     :
                     : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
                       "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc",
                       "memory" MO_CONTEXT_MORE);
    return left;
}
#else
void *mo_plat_context_swap(void **saved, void *sp, void *carry);
#define mo_plat_context_leap mo_plat_context_swap
#endif

/* What the sanitizers are told on either side. `left` is the context that was left, or NULL if it is gone. */
static inline void mo_context_leaving(struct mo_context *from, const struct mo_context *to, int for_good)
{
    (void)from, (void)to, (void)for_good;
#ifdef MO_CONTEXT_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->bytes);
#endif
#ifdef MO_CONTEXT_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

static inline void mo_context_arrived(struct mo_context *self, struct mo_context *left)
{
    (void)self, (void)left;
#ifdef MO_CONTEXT_ASAN
    const void *stack;
    size_t bytes;
    __sanitizer_finish_switch_fiber(self->fake_stack, &stack, &bytes);
    if (left) { /* an adopted one does not know its stack until it is left */
        left->stack = stack;
        left->bytes = bytes;
    }
#endif
}

/* Go on with `to`, which does not run anywhere. Returns when somebody switches to `from`, which the caller is. Whoever
   hands `from` to another thread may do so only after this switch: until then its registers are not saved. */
static inline void mo_context_switch(struct mo_context *from, struct mo_context *to)
{
    mo_context_leaving(from, to, 0);
    struct mo_context *left = (struct mo_context *)mo_plat_context_leap(&from->sp, to->sp, from);
    mo_context_arrived(from, left);
}

/* The same where nobody will ever switch to `from` again. */
_Noreturn static inline void mo_context_leave(struct mo_context *from, struct mo_context *to)
{
    mo_context_leaving(from, to, 1);
    mo_plat_context_leap(&from->sp, to->sp, NULL);
    __builtin_unreachable();
}

/* It has been left for good, or never began. Its stack is the caller's again. */
void mo_context_destroy(struct mo_context *c);

#endif
