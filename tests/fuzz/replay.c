/* usage: TARGET FOLDER|FILE...: run the target on files, and on the files of folders. For compilers without libFuzzer.
   A property that does not hold aborts; the last name printed is that of the input. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

static void run_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL, "%s: %s", path, strerror(errno));
    size_t bytes = fread(data, 1, sizeof data, file);
    fclose(file);
    puts(path);
    fflush(stdout);
    uint8_t *exact = malloc(bytes);
    REQUIRE(exact != NULL || bytes == 0, "no memory");
    if (bytes > 0)
        memcpy(exact, data, bytes);
    LLVMFuzzerTestOneInput(exact, bytes);
    free(exact);
}

static unsigned run_folder(const char *path, DIR *folder)
{
    unsigned files = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char *name;
        if (entry->d_name[0] == '.')
            continue;
        REQUIRE(asprintf(&name, "%s/%s", path, entry->d_name) > 0, "no memory");
        run_file(name);
        free(name);
        files++;
    }
    return files;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder != NULL) {
            files += run_folder(argv[i], folder);
            closedir(folder);
        } else {
            run_file(argv[i]);
            files++;
        }
    }
    printf("%u inputs\n", files);
    return files > 0 ? 0 : 1;
}
