/* Two processes and a ring: the child writes samples where the parent reads them. It dies of a sudden, and another one goes on.
   cc ring.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct sample {
    double at, value;
};

static int send_sample(moirai_ring_t *ring, const struct sample *s)
{
    void *room;
    int status = moirai_ring_loan(ring, &room);
    if (status == MOIRAI_OK) {
        *(struct sample *)room = *s;
        status = moirai_ring_publish(ring, sizeof *s);
    }
    return status;
}

static int receive_sample(moirai_ring_t *ring, struct sample *s)
{
    const void *message;
    size_t bytes;
    int status = moirai_ring_receive(ring, &message, &bytes);
    if (status == MOIRAI_OK) {
        *s = *(const struct sample *)message;
        status = moirai_ring_release(ring);
    }
    return status;
}

/* Its descriptor could also have come over a socket. */
static void produce(int fd, int from, int to, int dies)
{
    moirai_ring_t *ring;
    int status = moirai_ring_attach(&ring, fd, NULL, MOIRAI_RING_SENDER);
    for (int i = from; i < to && status == MOIRAI_OK; i++)
        status = send_sample(ring, &(struct sample){i, i * 0.5});
    if (status == MOIRAI_OK && !dies)
        moirai_ring_close(ring);
    _exit(status != MOIRAI_OK);
}

int main(void)
{
    const moirai_ring_shape_t shape = {MOIRAI_RING_SPSC, 8, sizeof(struct sample)};
    moirai_ring_t *ring;
    struct sample s;
    double sum = 0;
    int fd, status, count = 0;
    if (moirai_ring_new(&ring, &shape, MOIRAI_RING_RECEIVER) != MOIRAI_OK || moirai_ring_fd(ring, &fd) != MOIRAI_OK)
        return 1;
    for (int half = 0; half < 2; half++) {
        if (fork() == 0)
            produce(fd, half * 50, half * 50 + 50, half == 0);
        if (moirai_ring_meet_until(ring, MOIRAI_FOREVER) != MOIRAI_OK)
            return 1;
        while ((status = receive_sample(ring, &s)) == MOIRAI_OK) {
            sum += s.value;
            count++;
        }
        wait(NULL);
        printf("%d samples, sum %.1f, then: %s\n", count, sum, moirai_status_text(status));
    }
    moirai_ring_close(ring);
    close(fd);
    return count != 100;
}
