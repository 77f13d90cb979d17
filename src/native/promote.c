/* Two objects of Moirai that are opened late, each with RTLD_LOCAL, do not see each other's symbols and would make two
   runtimes. So each asks the loader, while it is being loaded, to count it to the global scope; for an object that is
   there already this changes nothing. It happens at load time and not at first use because the loader's lock is ours
   here: at first use another thread might hold it and wait for this one. The preload is always global. */
#include <dlfcn.h>
#include <stddef.h>

__attribute__((constructor)) static void promote(void)
{
    Dl_info self;
    if (dladdr((void *)promote, &self) && self.dli_fname)
        dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}
