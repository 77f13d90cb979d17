/* Waits at channels, of which the number is known: each ends at its deadline. */
#include <moirai/channel.h>

#define RECEIVES 7
#define SENDS    5
#define SELECTS  3
#define PAST     1 /* a deadline, ns */

int main(void)
{
    moirai_channel_t *bounded, *unbuffered;
    int n = 0;
    if (moirai_channel_new(&bounded, sizeof n, 1, 0) || moirai_channel_new(&unbuffered, sizeof n, 0, 0))
        return 1;
    moirai_case_t cases[] = {{.channel = bounded, .message = &n}, {.channel = unbuffered, .message = &n}};
    for (int i = 0; i < SELECTS; i++)
        moirai_select(cases, 2, 0, PAST);
    moirai_select(cases, 2, 0, 0); /* a look, not a wait */
    for (int i = 0; i < RECEIVES; i++)
        moirai_channel_recv_until(bounded, &n, PAST);
    moirai_channel_send(bounded, &n); /* at once */
    for (int i = 0; i < SENDS; i++)
        moirai_channel_send_until(unbuffered, &n, PAST);
    moirai_channel_recv(bounded, &n);
    return moirai_channel_free(bounded) || moirai_channel_free(unbuffered);
}
