/* For quota.py: opens regions, and between them says how many CPUs there are whenever that has changed, until its
   standard input ends. */
#include <omp.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int is_wanted(void)
{
    char c;
    return read(0, &c, 1) != 0; /* nothing yet, or no end */
}

int main(void)
{
    int last = 0;
    fcntl(0, F_SETFL, O_NONBLOCK);
    while (is_wanted()) {
        int members = 0;
#pragma omp parallel num_threads(2) reduction(+ : members)
        members += 1;
        if (members != 2)
            return 1;
        usleep(20000); /* the pool's thread goes idle */
        if (omp_get_num_procs() != last) {
            last = omp_get_num_procs();
            printf("%d\n", last);
            fflush(stdout);
        }
    }
    return 0;
}
