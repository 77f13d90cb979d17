/* What lies on the stack of a context that does not run, from its sp upwards:
     x86-64   the control words of x87 (2 bytes) and, 4 bytes on, SSE, rbp, where to go on, 128 bytes that are the compiler's
     AArch64  x29, x30 (where to return), x19 to x28, d8 to d15, fpcr and a word to spare
   A new context has the same, and goes on in mo_plat_context_begin with its own address in a register. The value that
   `carry` is passes through a switch: it is the context that was left, of which the sanitizers must be told on the
   other side. */
#include "plat/context.h"

#include <stdint.h>
#include <string.h>

extern const char mo_plat_context_begin[];
void mo_plat_context_first(struct mo_context *self, struct mo_context *left);

#if defined(__x86_64__)
/* rdi where to save, rsi where to go on, rdx carry, rcx where to go on here: it is jumped to (context.h), and jumps. So
   what the processor keeps of calls, to foretell returns, stays in step with the frames of whoever goes on: two
   contexts that have been left at the same place return the same way from there. A new context is entered by jumps for
   the same reason; what it would return to ends the process. The control word of x87 is loaded only if it differs:
   loading waits for the unit to become idle. That of SSE always is: to compare it takes longer, as it waits for the
   store before. */
__asm__(".pushsection .text\n"
        ".hidden mo_plat_context_swap\n"
        ".globl mo_plat_context_swap\n"
        ".type mo_plat_context_swap, @function\n"
        ".p2align 5\n"
        "mo_plat_context_swap:\n"
        ".cfi_startproc\n"
        ".cfi_def_cfa %rsp, 0\n"
        ".cfi_register %rip, %rcx\n"
        "    subq $152, %rsp\n"
        ".cfi_adjust_cfa_offset 152\n"
        "    stmxcsr 4(%rsp)\n"
        "    fnstcw (%rsp)\n"
        "    movq %rbp, 8(%rsp)\n"
        "    movq %rcx, 16(%rsp)\n"
        "    movzwl (%rsp), %r8d\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        ".cfi_rel_offset %rbp, 8\n"
        ".cfi_rel_offset %rip, 16\n"
        "    ldmxcsr 4(%rsp)\n"
        "    cmpw %r8w, (%rsp)\n"
        "    jne 2f\n"
        "1:  movq 8(%rsp), %rbp\n"
        "    movq 16(%rsp), %rcx\n"
        "    movq %rdx, %rax\n"
        "    addq $152, %rsp\n"
        ".cfi_remember_state\n"
        ".cfi_adjust_cfa_offset -152\n"
        ".cfi_restore %rbp\n"
        ".cfi_register %rip, %rcx\n"
        "    notrack jmp *%rcx\n"
        ".cfi_restore_state\n"
        "2:  fldcw (%rsp)\n"
        "    jmp 1b\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_swap, .-mo_plat_context_swap\n"
        ".hidden mo_plat_context_begin\n"
        ".globl mo_plat_context_begin\n"
        ".type mo_plat_context_begin, @function\n"
        ".cfi_startproc\n"
        ".cfi_undefined %rip\n"
        "    nop\n" /* unwinders look before where one goes on */
        "mo_plat_context_begin:\n"
        "    movq %rbp, %rdi\n"
        "    movq %rax, %rsi\n"
        "    leaq 1f(%rip), %rcx\n"
        "    pushq %rcx\n"
        ".cfi_adjust_cfa_offset 8\n"
        "    xorl %ebp, %ebp\n"
        "    jmp mo_plat_context_first\n"
        ".cfi_adjust_cfa_offset -8\n"
        "1:  ud2\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_begin, .-mo_plat_context_begin\n"
        ".popsection\n");

struct frame {
    uint16_t x87, spare;
    uint32_t sse;
    void *self; /* rbp */
    const void *resume;
    char red_zone[128];
};
_Static_assert(sizeof(struct frame) == 152, "as the switch has it");

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
        "    bl mo_plat_context_first\n"
        "    brk #1\n"
        ".cfi_endproc\n"
        ".size mo_plat_context_begin, .-mo_plat_context_begin\n"
        ".popsection\n");

struct frame {
    void *x29;
    const void *resume;
    void *self; /* x19 */
    void *x20_to_x28[9];
    double d8_to_d15[8];
    uint64_t fpcr, spare;
};
_Static_assert(sizeof(struct frame) == 176, "as the switch has it");

static void prepare_frame(struct frame *f)
{
    __asm__("mrs %0, fpcr" : "=r"(f->fpcr));
}
#else
#error "contexts need a switch for this processor"
#endif

void mo_context_adopt(struct mo_context *self)
{
    memset(self, 0, sizeof *self);
#ifdef MO_CONTEXT_TSAN
    self->fiber = __tsan_get_current_fiber();
#endif
}

void mo_plat_context_first(struct mo_context *self, struct mo_context *left)
{
    mo_context_arrived(self, left);
    self->entry(self->arg);
}

void mo_context_init(struct mo_context *c, void *stack, size_t bytes, void (*entry)(void *arg), void *arg)
{
    uintptr_t top = ((uintptr_t)stack + bytes) & ~(uintptr_t)15; /* as the stack must be before a call */
    struct frame *f = (struct frame *)top - 1;
#ifdef MO_CONTEXT_ASAN
    __asan_unpoison_memory_region(stack, bytes); /* who ran on it before has left frames that never returned */
#endif
    memset(c, 0, sizeof *c);
    memset(f, 0, sizeof *f);
    prepare_frame(f);
    f->self = c;
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

void mo_context_destroy(struct mo_context *c)
{
    (void)c;
#ifdef MO_CONTEXT_TSAN
    __tsan_destroy_fiber(c->fiber);
#endif
}
