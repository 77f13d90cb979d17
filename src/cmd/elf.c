/* Imports are found by the relocations that name them: a function that is called or whose address is taken has one,
   with the address of the word where the loader puts it. On x86-64 the code is then searched for calls through that
   word, directly or by way of a stub that jumps through it, and for the constant that is last put into the argument's
   register before the call. That reads bytes, not instructions, so it can err in both directions; it is a hint and
   called so. Nothing is taken to be aligned: what has members is copied out. */
#include "cmd/elf.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#else
#define OUR_MACHINE EM_AARCH64
#endif

#define SLOTS_MAX    8
#define STUBS_MAX    16
#define LOOK_BACK    64  /* bytes before a call */
#define SEGMENTS_MAX 256 /* real files have a dozen */

struct file {
    const unsigned char *bytes;
    size_t size;
    Elf64_Ehdr head;
};

/* A word that the loader fills with the address of dlopen or dlmopen. */
struct slot {
    uint64_t address;
    unsigned char load_flags; /* the instruction that loads a constant into the flags' register */
};

struct search {
    struct file *file;
    const char *names;
    size_t names_size;
    const unsigned char *symbols;
    size_t symbols_size;
    struct slot slot[SLOTS_MAX];
    unsigned slots;
    struct {
        uint64_t address;
        unsigned char load_flags;
    } stub[STUBS_MAX];
    unsigned stubs;
    unsigned calls;
    struct mo_elf_facts *facts;
};

static const void *at(const struct file *f, uint64_t offset, uint64_t size)
{
    return offset <= f->size && size <= f->size - offset ? f->bytes + offset : NULL;
}

static bool copy(const struct file *f, uint64_t offset, void *to, size_t size)
{
    const void *from = at(f, offset, size);
    if (from)
        memcpy(to, from, size);
    return from != NULL;
}

static bool get_segment(const struct file *f, unsigned i, Elf64_Phdr *p)
{
    uint64_t offset = f->head.e_phoff + (uint64_t)i * sizeof *p;
    return offset >= f->head.e_phoff && copy(f, offset, p, sizeof *p);
}

/* The bytes that a virtual address has in the file, as far as its segment reaches; NULL: none. */
static const void *at_address(const struct file *f, uint64_t address, uint64_t *left)
{
    Elf64_Phdr p;
    for (unsigned i = 0; i < f->head.e_phnum && get_segment(f, i, &p); i++) {
        uint64_t inside = address - p.p_vaddr;
        if (p.p_type != PT_LOAD || address < p.p_vaddr || inside >= p.p_filesz || p.p_offset + inside < inside)
            continue;
        *left = p.p_filesz - inside;
        return at(f, p.p_offset + inside, *left);
    }
    return NULL;
}

/* ---- The dynamic section. */
static bool find_segment(const struct file *f, uint32_t type, Elf64_Phdr *p)
{
    for (unsigned i = 0; i < f->head.e_phnum && get_segment(f, i, p); i++)
        if (p->p_type == type)
            return true;
    return false;
}

static bool dynamic_value(const struct file *f, const Elf64_Phdr *dynamic, int64_t tag, uint64_t *value)
{
    Elf64_Dyn d;
    const unsigned char *bytes = at(f, dynamic->p_offset, dynamic->p_filesz);
    for (uint64_t i = 0; bytes && i < dynamic->p_filesz / sizeof d; i++) {
        memcpy(&d, bytes + i * sizeof d, sizeof d);
        if (d.d_tag == DT_NULL)
            return false;
        if (d.d_tag == tag) {
            *value = d.d_un.d_val;
            return true;
        }
    }
    return false;
}

static bool is_name(const struct search *s, uint64_t offset, const char *name)
{
    size_t length = strlen(name) + 1;
    return offset < s->names_size && length <= s->names_size - offset && memcmp(s->names + offset, name, length) == 0;
}

static const char *const sanitizers[] = {"__asan_init", "__tsan_init", "__msan_init"};

static void note_import(struct search *s, const Elf64_Sym *symbol, uint64_t address)
{
    bool opens = is_name(s, symbol->st_name, "dlopen"), opens_in_space = is_name(s, symbol->st_name, "dlmopen");
    if (symbol->st_shndx != SHN_UNDEF)
        return;
    if (is_name(s, symbol->st_name, "dlvsym"))
        s->facts->by_version = true;
    for (unsigned i = 0; i < sizeof sanitizers / sizeof *sanitizers; i++)
        s->facts->sanitized |= is_name(s, symbol->st_name, sanitizers[i]);
    if (!opens && !opens_in_space)
        return;
    s->facts->opens = true;
    if (s->slots < SLOTS_MAX) /* the flags are the second or the third argument: esi or edx */
        s->slot[s->slots++] = (struct slot){.address = address, .load_flags = opens ? 0xbe : 0xba};
}

static void read_relocations(struct search *s, const Elf64_Phdr *dynamic, int64_t where, int64_t how_many)
{
    uint64_t address, bytes, left;
    if (!dynamic_value(s->file, dynamic, where, &address) || !dynamic_value(s->file, dynamic, how_many, &bytes))
        return;
    const unsigned char *table = at_address(s->file, address, &left);
    if (!table)
        return;
    Elf64_Rela r;
    Elf64_Sym symbol;
    uint64_t count = (bytes < left ? bytes : left) / sizeof r;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(&r, table + i * sizeof r, sizeof r);
        uint64_t number = ELF64_R_SYM(r.r_info);
        if (number == 0 || number >= s->symbols_size / sizeof symbol)
            continue;
        memcpy(&symbol, s->symbols + number * sizeof symbol, sizeof symbol);
        note_import(s, &symbol, r.r_offset);
    }
}

/* The tables of names and symbols. Of the latter no length is told; linkers put the names behind them. */
static bool read_tables(struct search *s, const Elf64_Phdr *dynamic)
{
    uint64_t names, names_size, symbols, left;
    if (!dynamic_value(s->file, dynamic, DT_STRTAB, &names) ||
        !dynamic_value(s->file, dynamic, DT_STRSZ, &names_size) ||
        !dynamic_value(s->file, dynamic, DT_SYMTAB, &symbols))
        return false;
    s->names = at_address(s->file, names, &left);
    if (!s->names)
        return false;
    s->names_size = names_size < left ? names_size : left;
    s->symbols = at_address(s->file, symbols, &left);
    if (!s->symbols)
        return false;
    s->symbols_size = names > symbols && names - symbols < left ? names - symbols : left;
    return true;
}

/* NULL: it does not end within the names. */
static const char *name_at(const struct search *s, uint64_t offset)
{
    if (offset >= s->names_size || !memchr(s->names + offset, '\0', s->names_size - offset))
        return NULL;
    return s->names + offset;
}

static void read_needed(struct search *s, const Elf64_Phdr *dynamic)
{
    static const char *const library[] = {"libgomp.so.1", "libomp.so.5", "libiomp5.so"};
    Elf64_Dyn d;
    const unsigned char *bytes = at(s->file, dynamic->p_offset, dynamic->p_filesz);
    for (uint64_t i = 0; bytes && i < dynamic->p_filesz / sizeof d; i++) {
        memcpy(&d, bytes + i * sizeof d, sizeof d);
        if (d.d_tag == DT_NULL)
            return;
        for (unsigned k = 0; d.d_tag == DT_NEEDED && k < 3; k++)
            if (is_name(s, d.d_un.d_val, library[k]))
                s->facts->runtimes |= 1u << k;
    }
}

static bool read_imports(struct search *s, const Elf64_Phdr *dynamic)
{
    if (!read_tables(s, dynamic))
        return false;
    read_needed(s, dynamic);
    read_relocations(s, dynamic, DT_JMPREL, DT_PLTRELSZ);
    read_relocations(s, dynamic, DT_RELA, DT_RELASZ);
    return true;
}

/* ---- The code. */
#if defined(__x86_64__)
static uint64_t target(const unsigned char *operand, uint64_t address_after)
{
    int32_t distance;
    memcpy(&distance, operand, sizeof distance);
    return address_after + (uint64_t)(int64_t)distance;
}

/* Only bits that exist, and one of the two that must be given. */
static bool are_flags(uint32_t value)
{
    const uint32_t known = RTLD_LAZY | RTLD_NOW | RTLD_NOLOAD | RTLD_DEEPBIND | RTLD_GLOBAL | RTLD_NODELETE;
    return (value & ~known) == 0 && (value & (RTLD_LAZY | RTLD_NOW)) != 0;
}

static void judge_call(struct search *s, const unsigned char *code, uint64_t offset, unsigned char load_flags)
{
    s->calls++;
    for (uint64_t back = 5; back <= LOOK_BACK && back <= offset; back++) {
        const unsigned char *c = code + offset - back;
        uint32_t value;
        if (c[0] != load_flags)
            continue;
        memcpy(&value, c + 1, sizeof value);
        if (!are_flags(value))
            continue;
        s->facts->deep_binding |= (value & RTLD_DEEPBIND) != 0;
        return;
    }
    s->facts->flags_hidden = true;
}

/* ff 15: call through a word; ff 25: jump through it, by a stub or as the last call of a function. */
static void through_slot(struct search *s, const unsigned char *code, uint64_t offset, uint64_t address)
{
    uint64_t to = target(code + offset + 2, address + 6);
    for (unsigned i = 0; i < s->slots; i++) {
        if (to != s->slot[i].address)
            continue;
        if (code[offset + 1] == 0x25 && s->stubs < STUBS_MAX) {
            s->stub[s->stubs].address = address;
            s->stub[s->stubs++].load_flags = s->slot[i].load_flags;
        } else if (code[offset + 1] == 0x15) {
            judge_call(s, code, offset, s->slot[i].load_flags);
        }
    }
}

/* A stub may begin with endbr64 and a prefix before its jump: up to five bytes. */
static void to_stub(struct search *s, const unsigned char *code, uint64_t offset, uint64_t address)
{
    uint64_t to = target(code + offset + 1, address + 5);
    for (unsigned i = 0; i < s->stubs; i++)
        if (to <= s->stub[i].address && s->stub[i].address - to <= 5)
            judge_call(s, code, offset, s->stub[i].load_flags);
}

static void search_code(struct search *s, bool stubs_known)
{
    Elf64_Phdr p;
    for (unsigned k = 0; k < s->file->head.e_phnum && get_segment(s->file, k, &p); k++) {
        const unsigned char *code = at(s->file, p.p_offset, p.p_filesz);
        if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || !code)
            continue;
        for (uint64_t i = 0; i + 6 <= p.p_filesz; i++) {
            if (!stubs_known && code[i] == 0xff && (code[i + 1] == 0x15 || code[i + 1] == 0x25))
                through_slot(s, code, i, p.p_vaddr + i);
            if (stubs_known && (code[i] == 0xe8 || code[i] == 0xe9))
                to_stub(s, code, i, p.p_vaddr + i);
        }
    }
}

static void look_at_calls(struct search *s)
{
    search_code(s, false);
    search_code(s, true);
    if (s->calls == 0) /* by a pointer */
        s->facts->flags_hidden = true;
}
#else
static void look_at_calls(struct search *s)
{
    s->facts->flags_hidden = true;
}
#endif

/* `f` and `dynamic` are written for MO_ELF_DYNAMIC. */
static enum mo_elf_kind open_file(struct file *f, Elf64_Phdr *dynamic)
{
    Elf64_Phdr interpreter;
    if (f->size >= 2 && memcmp(f->bytes, "#!", 2) == 0)
        return MO_ELF_SCRIPT;
    if (f->size < EI_NIDENT || memcmp(f->bytes, ELFMAG, SELFMAG) != 0)
        return MO_ELF_OTHER;
    if (f->bytes[EI_CLASS] != ELFCLASS64 || f->bytes[EI_DATA] != ELFDATA2LSB)
        return MO_ELF_FOREIGN;
    if (!copy(f, 0, &f->head, sizeof f->head))
        return MO_ELF_OTHER;
    if (f->head.e_machine != OUR_MACHINE)
        return MO_ELF_FOREIGN;
    if ((f->head.e_type != ET_EXEC && f->head.e_type != ET_DYN) || f->head.e_phentsize != sizeof(Elf64_Phdr) ||
        f->head.e_phnum > SEGMENTS_MAX || !get_segment(f, 0, dynamic))
        return MO_ELF_OTHER;
    if (!find_segment(f, PT_DYNAMIC, dynamic) ||
        (f->head.e_type == ET_EXEC && !find_segment(f, PT_INTERP, &interpreter)))
        return MO_ELF_STATIC;
    return MO_ELF_DYNAMIC;
}

enum mo_elf_kind mo_elf_look(const void *bytes, size_t size, struct mo_elf_facts *facts)
{
    struct file f = {.bytes = bytes, .size = size};
    struct search s = {.file = &f, .facts = facts};
    Elf64_Phdr dynamic;
    enum mo_elf_kind kind = open_file(&f, &dynamic);
    if (kind != MO_ELF_DYNAMIC)
        return kind;
    memset(facts, 0, sizeof *facts);
    if (!read_imports(&s, &dynamic))
        return MO_ELF_OTHER;
    if (facts->opens)
        look_at_calls(&s);
    return MO_ELF_DYNAMIC;
}

void mo_elf_each(const void *bytes, size_t size, bool defined, mo_elf_name *tell, void *arg)
{
    struct file f = {.bytes = bytes, .size = size};
    struct search s = {.file = &f};
    Elf64_Phdr dynamic;
    Elf64_Sym symbol;
    if (open_file(&f, &dynamic) != MO_ELF_DYNAMIC || !read_tables(&s, &dynamic))
        return;
    for (uint64_t i = 1; i < s.symbols_size / sizeof symbol; i++) { /* number 0 is none */
        memcpy(&symbol, s.symbols + i * sizeof symbol, sizeof symbol);
        const char *name = name_at(&s, symbol.st_name);
        if (name && *name && (symbol.st_shndx != SHN_UNDEF) == defined)
            tell(arg, name);
    }
}

bool mo_elf_find(const void *bytes, size_t size, const char *prefix, uint64_t *value)
{
    struct file f = {.bytes = bytes, .size = size};
    struct search s = {.file = &f};
    Elf64_Phdr dynamic;
    Elf64_Sym symbol;
    if (open_file(&f, &dynamic) != MO_ELF_DYNAMIC || !read_tables(&s, &dynamic))
        return false;
    for (uint64_t i = 1; i < s.symbols_size / sizeof symbol; i++) {
        memcpy(&symbol, s.symbols + i * sizeof symbol, sizeof symbol);
        const char *name = name_at(&s, symbol.st_name);
        *value = symbol.st_value;
        if (name && symbol.st_shndx != SHN_UNDEF && strncmp(name, prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}
