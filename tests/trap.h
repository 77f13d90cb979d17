/* Running code instruction by instruction: between the two calls each instruction raises SIGTRAP. x86-64 only. */
#ifndef TESTS_TRAP_H
#define TESTS_TRAP_H

static inline void set_trap(void)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
}

static inline void clear_trap(void)
{
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

#endif
