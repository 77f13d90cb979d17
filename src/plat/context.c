/* What lies on the stack of a context that does not run, from its sp upwards:
     x86-64   the control words of x87 (2 bytes) and, 4 bytes on, SSE, r15 to r12, rbx, rbp, where to return
     AArch64  x29, x30 (where to return), x19 to x28, d8 to d15, fpcr and a word to spare
   A new context has the same, and returns into mo_plat_context_begin with its own address in a register. The value that
   `carry` is passes through a switch: it is the context that was left, of which the sanitizers must be told on the other
   side. */
#include "plat/context.h"

#include <stdint.h>
#include <string.h>

#ifdef MO_CONTEXT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef MO_CONTEXT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

void *mo_plat_context_swap(void **saved, void *sp, void *carry);
extern const char mo_plat_context_begin[];

#if defined(__x86_64__)
/* rdi where to save, rsi where to go on, rdx carry. The control words are loaded only if they differ: loading waits for
   the unit to become idle. A return would be foretold to go back to the caller, where it never goes; a jump is foretold by
   where it went before. */
__asm__(".pushsection .text\n"
        ".hidden mo_plat_context_swap\n"
        ".globl mo_plat_context_swap\n"
        ".type mo_plat_context_swap, @function\n"
        "mo_plat_context_swap:\n"
        ".cfi_startproc\n"
        "    endbr64\n"
        "    pushq %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbp, 0\n"
        "    pushq %rbx\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbx, 0\n"
        "    pushq %r12\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r12, 0\n"
        "    pushq %r13\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r13, 0\n"
        "    pushq %r14\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r14, 0\n"
        "    pushq %r15\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r15, 0\n"
        "    subq $8, %rsp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "    stmxcsr 4(%rsp)\n"
        "    fnstcw (%rsp)\n"
        "    movl 4(%rsp), %eax\n"
        "    movzwl (%rsp), %ecx\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    cmpl %eax, 4(%rsp)\n"
        "    je 1f\n"
        "    ldmxcsr 4(%rsp)\n"
        "1:  cmpw %cx, (%rsp)\n"
        "    je 2f\n"
        "    fldcw (%rsp)\n"
        "2:  movq %rdx, %rax\n"
        "    addq $8, %rsp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "    popq %r15\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r15\n"
        "    popq %r14\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r14\n"
        "    popq %r13\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r13\n"
        "    popq %r12\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r12\n"
        "    popq %rbx\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %rbx\n"
        "    popq %rbp\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %rbp\n"
        "    popq %rcx\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_register %rip, %rcx\n"
        "    notrack jmp *%rcx\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_swap, .-mo_plat_context_swap\n"
        ".hidden mo_plat_context_begin\n"
        ".globl mo_plat_context_begin\n"
        ".type mo_plat_context_begin, @function\n"
        "mo_plat_context_begin:\n"
        ".cfi_startproc\n"
        ".cfi_undefined %rip\n"
        "    endbr64\n"
        "    movq %r12, %rdi\n"
        "    movq %rax, %rsi\n"
        "    call *%r13\n"
        "    ud2\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_begin, .-mo_plat_context_begin\n"
        ".popsection\n");

struct frame {
    uint16_t x87, spare;
    uint32_t sse;
    void *r15, *r14, *first, *self, *rbx, *rbp; /* r13, r12 */
    const void *resume;
};

static void prepare_frame(struct frame *f)
{
    __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(f->sse), "=m"(f->x87));
}
#elif defined(__aarch64__)
/* x0 where to save, x1 where to go on, x2 carry. */
__asm__(".pushsection .text\n"
        ".hidden mo_plat_context_swap\n"
        ".globl mo_plat_context_swap\n"
        ".type mo_plat_context_swap, %function\n"
        "mo_plat_context_swap:\n"
        ".cfi_startproc\n"
        "    hint #34\n" /* bti c */
        "    stp x29, x30, [sp, #-176]!\n"
        ".cfi_def_cfa_offset 176\n"
        ".cfi_offset x29, -176\n"
        ".cfi_offset x30, -168\n"
        "    stp x19, x20, [sp, #16]\n"
        ".cfi_offset x19, -160\n"
        ".cfi_offset x20, -152\n"
        "    stp x21, x22, [sp, #32]\n"
        ".cfi_offset x21, -144\n"
        ".cfi_offset x22, -136\n"
        "    stp x23, x24, [sp, #48]\n"
        ".cfi_offset x23, -128\n"
        ".cfi_offset x24, -120\n"
        "    stp x25, x26, [sp, #64]\n"
        ".cfi_offset x25, -112\n"
        ".cfi_offset x26, -104\n"
        "    stp x27, x28, [sp, #80]\n"
        ".cfi_offset x27, -96\n"
        ".cfi_offset x28, -88\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mrs x9, fpcr\n"
        "    str x9, [sp, #160]\n"
        "    mov x10, sp\n"
        "    str x10, [x0]\n"
        "    mov sp, x1\n"
        "    mov x0, x2\n"
        "    ldr x10, [sp, #160]\n"
        "    cmp x9, x10\n"
        "    b.eq 1f\n"
        "    msr fpcr, x10\n"
        "1:  ldp x19, x20, [sp, #16]\n"
        "    ldp x21, x22, [sp, #32]\n"
        "    ldp x23, x24, [sp, #48]\n"
        "    ldp x25, x26, [sp, #64]\n"
        "    ldp x27, x28, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    ldp x29, x30, [sp], #176\n"
        ".cfi_restore x29\n"
        ".cfi_restore x30\n"
        ".cfi_def_cfa_offset 0\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_swap, .-mo_plat_context_swap\n"
        ".hidden mo_plat_context_begin\n"
        ".globl mo_plat_context_begin\n"
        ".type mo_plat_context_begin, %function\n"
        "mo_plat_context_begin:\n"
        ".cfi_startproc\n"
        ".cfi_undefined x30\n"
        "    hint #36\n" /* bti j */
        "    mov x1, x0\n"
        "    mov x0, x19\n"
        "    blr x20\n"
        "    brk #1\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_begin, .-mo_plat_context_begin\n"
        ".popsection\n");

struct frame {
    void *x29;
    const void *resume;
    void *self, *first; /* x19, x20 */
    void *x21_to_x28[8];
    double d8_to_d15[8];
    uint64_t fpcr, spare;
};

static void prepare_frame(struct frame *f)
{
    __asm__("mrs %0, fpcr" : "=r"(f->fpcr));
}
#else
#error "contexts need a switch for this processor"
#endif

/* ---- The sanitizers. `left` is the context that was left, or NULL if it is gone. */
static void before_switch(struct mo_context *from, const struct mo_context *to, int for_good)
{
    (void)from, (void)to, (void)for_good;
#ifdef MO_CONTEXT_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->bytes);
#endif
#ifdef MO_CONTEXT_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

static void after_switch(struct mo_context *self, struct mo_context *left)
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

/* Popping a frame leaves the stack pointer aligned to 16 bytes, as it must be before a call. */
_Static_assert(sizeof(struct frame) % 16 == 0, "the frame keeps the stack aligned");

void mo_context_adopt(struct mo_context *self)
{
    memset(self, 0, sizeof *self);
#ifdef MO_CONTEXT_TSAN
    self->fiber = __tsan_get_current_fiber();
#endif
}

static void begin(struct mo_context *self, struct mo_context *left)
{
    after_switch(self, left);
    self->entry(self->arg);
    __builtin_trap(); /* it must not return */
}

void mo_context_init(struct mo_context *c, void *stack, size_t bytes, void (*entry)(void *arg), void *arg)
{
    uintptr_t top = ((uintptr_t)stack + bytes) & ~(uintptr_t)15;
    struct frame *f = (struct frame *)top - 1;
#ifdef MO_CONTEXT_ASAN
    __asan_unpoison_memory_region(stack, bytes); /* who ran on it before has left frames that never returned */
#endif
    memset(c, 0, sizeof *c);
    memset(f, 0, sizeof *f);
    prepare_frame(f);
    f->self = c;
    f->first = (void *)begin;
    f->resume = mo_plat_context_begin;
    c->sp = f;
    c->entry = entry;
    c->arg = arg;
#ifdef MO_CONTEXT_ASAN
    c->stack = stack;
    c->bytes = bytes;
#endif
#ifdef MO_CONTEXT_TSAN
    c->fiber = __tsan_create_fiber(0);
#endif
}

void mo_context_switch(struct mo_context *from, struct mo_context *to)
{
    before_switch(from, to, 0);
    struct mo_context *left = mo_plat_context_swap(&from->sp, to->sp, from);
    after_switch(from, left);
}

void mo_context_leave(struct mo_context *from, struct mo_context *to)
{
    before_switch(from, to, 1);
    mo_plat_context_swap(&from->sp, to->sp, NULL);
    __builtin_unreachable();
}

void mo_context_destroy(struct mo_context *c)
{
    (void)c;
#ifdef MO_CONTEXT_TSAN
    __tsan_destroy_fiber(c->fiber);
#endif
}
