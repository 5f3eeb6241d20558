/*
 * The load: C connections that send for a while, and what became of their messages.
 *
 *     load steady PORT CONNECTIONS IN_FLIGHT SECONDS    connections stay; each keeps IN_FLIGHT
 *                                                       messages on their way
 *     load short  PORT CONNECTIONS 1 SECONDS            one message a connection: connect, send,
 *                                                       read the ack, close, and again
 *     load open   PORT CONNECTIONS RATE SECONDS         RATE arrivals a second, evenly spaced, on
 *                                                       connections that stay: each arrival takes
 *                                                       the one that has been idle longest, or
 *                                                       waits for one
 *
 * The first two are closed loops, whose times count from the send call; those of `open` count from
 * when the arrival was due, every sample is kept, and `lag` is how late this program took it up.
 *
 * Every message carries an id of its own, so that no server profits from remembering one. The
 * first tenth of the time is warm-up and is not counted. Prints one JSON object; `busy` is the
 * share of the time that this program itself computed: near 1, it is the bottleneck.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_IN_FLIGHT = 1024,
    MESSAGE = 16, /* bytes: r000.m000000000 and ETX */
    FIRST_DIGIT = 6,
    LAST_DIGIT = 14,
    EVENTS = 1024,
    HISTOGRAM_US = 1 << 20, /* the last cell counts all that took longer */
    MAX_USERS = 999,
    PATIENCE_S = 5, /* for the answers to the last arrivals */
    LOOK_NS = 10000000, /* how often to look at the deadline */
};

struct user {
    int fd;
    bool connecting;
    int partial;   /* bytes of the first expected ack that have come */
    long sent_ns;  /* when the oldest message now on its way was sent */
    long arrival;  /* which one it carries, in an open loop */
    struct sockaddr_in source;
    char message[MESSAGE];
};

static int epoll;
static struct sockaddr_in server = {.sin_family = AF_INET};
static bool is_short;
static int in_flight;
static bool counting;
static long acked, failed;
static unsigned histogram[HISTOGRAM_US];

static bool is_open;
static double rate;
static long begin_ns, arrivals;   /* in an open loop: its beginning, how many are to come */
static long arrived, dispatched;  /* those between wait for a connection */
static long *times_ns, *lags_ns;  /* by arrival */
static struct user *free_users[MAX_USERS]; /* a ring, the one that is idle longest first */
static int first_free, free_count;

static long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static double cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* How long this process was ready to run while others had its core, see benchmarks/machine.py. */
static double waited_s(void) {
    long ran_ns, waited_ns = 0;
    FILE *stat = fopen("/proc/self/schedstat", "r");

    if (!stat || fscanf(stat, "%ld %ld", &ran_ns, &waited_ns) != 2)
        exit(1);
    fclose(stat);
    return waited_ns / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void number_next(char *message) {
    int digit = LAST_DIGIT;
    while (digit >= FIRST_DIGIT && ++message[digit] > '9')
        message[digit--] = '0';
}

static void connect_user(struct user *user) {
    int on = 1;

    user->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (user->fd < 0)
        die("socket");
    setsockopt(user->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(user->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(user->fd, (struct sockaddr *)&user->source, sizeof user->source))
        die("bind");
    user->connecting = true;
    user->partial = 0;
    if (connect(user->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
        die("connect");
    struct epoll_event event = {EPOLLOUT, {.ptr = user}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, user->fd, &event))
        die("epoll_ctl");
}

static void reconnect(struct user *user) {
    close(user->fd);
    connect_user(user);
}

static void send_messages(struct user *user, int count) {
    static char bytes[MESSAGE * MAX_IN_FLIGHT];

    for (int i = 0; i < count; i++) {
        number_next(user->message);
        memcpy(bytes + i * MESSAGE, user->message, MESSAGE);
    }
    user->sent_ns = now_ns();
    if (send(user->fd, bytes, count * MESSAGE, MSG_NOSIGNAL) != count * MESSAGE)
        failed++;
}

static long due_ns(long arrival) {
    return begin_ns + (long)(arrival * 1e9 / rate);
}

static void dispatch(void) {
    while (dispatched < arrived && free_count) {
        struct user *user = free_users[first_free];
        first_free = (first_free + 1) % MAX_USERS;
        free_count--;
        user->arrival = dispatched++;
        send_messages(user, 1);
    }
}

static void set_free(struct user *user) {
    free_users[(first_free + free_count++) % MAX_USERS] = user;
    dispatch();
}

static void on_connected(struct user *user) {
    struct epoll_event event = {EPOLLIN, {.ptr = user}};

    user->connecting = false;
    epoll_ctl(epoll, EPOLL_CTL_MOD, user->fd, &event);
    if (is_open)
        set_free(user);
    else
        send_messages(user, is_short ? 1 : in_flight);
}

/* Count what has come; with one message in flight, also how long it took. */
static int take_acks(struct user *user, const char *bytes, long size) {
    int whole = (user->partial + size) / 3;

    for (long i = 0; i < size; i++)
        failed += bytes[i] != "ack"[(user->partial + i) % 3];
    user->partial = (user->partial + size) % 3;
    if (is_open && whole)
        times_ns[user->arrival] = now_ns() - due_ns(user->arrival);
    if (!counting || !whole)
        return whole;
    acked += whole;
    if (in_flight == 1 && !is_open) {
        long took_us = (now_ns() - user->sent_ns) / 1000;
        histogram[took_us < HISTOGRAM_US ? took_us : HISTOGRAM_US - 1]++;
    }
    return whole;
}

static void on_ready(struct user *user) {
    char bytes[3 * MAX_IN_FLIGHT];

    if (user->connecting) {
        on_connected(user);
        return;
    }
    long size = recv(user->fd, bytes, sizeof bytes, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) {
        failed++;
        reconnect(user);
        return;
    }
    int whole = take_acks(user, bytes, size);
    if (whole && is_open)
        set_free(user);
    else if (whole && is_short)
        reconnect(user);
    else if (whole)
        send_messages(user, whole);
}

static void run_until(long end_ns) {
    struct epoll_event ready[EVENTS];

    for (long now = now_ns(); now < end_ns; now = now_ns()) {
        int count = epoll_wait(epoll, ready, EVENTS, 10);
        for (int i = 0; i < count; i++)
            on_ready(ready[i].data.ptr);
    }
}

static long quantile_us(double q) {
    long total = 0, seen = 0;

    for (int i = 0; i < HISTOGRAM_US; i++)
        total += histogram[i];
    for (int i = 0; i < HISTOGRAM_US; i++)
        if ((seen += histogram[i]) > 0 && seen >= q * total)
            return i;
    return -1;
}

static void run_closed(double seconds) {
    run_until(now_ns() + (long)(seconds * 1e8));
    double begun_cpu_s = cpu_s();
    long begun_ns = now_ns();
    counting = true;
    run_until(begun_ns + (long)(seconds * 9e8));
    double took_s = (now_ns() - begun_ns) / 1e9;
    printf("{\"messages\":%ld,\"seconds\":%.6f,\"failed\":%ld,\"busy\":%.4f,"
           "\"p50_us\":%ld,\"p99_us\":%ld}\n",
           acked, took_s, failed, (cpu_s() - begun_cpu_s) / took_s, quantile_us(0.5),
           quantile_us(0.99));
}

/* Take up every arrival that is due; return how long to wait for the next one, or to look again. */
static long arrive(void) {
    for (; arrived < arrivals; dispatch()) {
        long late_ns = now_ns() - due_ns(arrived);
        if (late_ns < 0)
            return -late_ns < LOOK_NS ? -late_ns : LOOK_NS;
        lags_ns[arrived++] = late_ns;
    }
    return LOOK_NS;
}

static int by_size(const void *one, const void *other) {
    long a = *(const long *)one, b = *(const long *)other;
    return (a > b) - (a < b);
}

/* The nearest-rank quantile of ordered values, in microseconds. */
static double ordered_us(const long *values_ns, long count, double q) {
    long rank = (long)(q * count);
    return values_ns[rank < q * count ? rank : rank - 1] / 1e3;
}

static void run_open(double seconds) {
    struct epoll_event ready[EVENTS];

    counting = true;
    arrivals = (long)(rate * seconds + 0.5);
    times_ns = calloc(arrivals, sizeof *times_ns);
    lags_ns = calloc(arrivals, sizeof *lags_ns);
    if (!times_ns || !lags_ns)
        die("calloc");
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* else each sleep ends up to 50 us late */
    double begun_cpu_s = cpu_s(), waited_before_s = waited_s();
    begin_ns = now_ns();
    long deadline_ns = begin_ns + (long)((seconds + PATIENCE_S) * 1e9);
    while (acked < arrivals && !failed && now_ns() < deadline_ns) {
        struct timespec wait = {0, arrive()};
        int count = epoll_pwait2(epoll, ready, EVENTS, &wait, NULL);
        for (int i = 0; i < count; i++)
            on_ready(ready[i].data.ptr);
    }
    double took_s = (now_ns() - begin_ns) / 1e9, lost_s = waited_s() - waited_before_s;
    long skipped = arrivals / 10, counted = arrivals - skipped;
    failed += arrivals - acked;
    qsort(times_ns + skipped, counted, sizeof *times_ns, by_size);
    qsort(lags_ns + skipped, counted, sizeof *lags_ns, by_size);
    printf("{\"messages\":%ld,\"seconds\":%.6f,\"failed\":%ld,\"busy\":%.4f,"
           "\"waited\":%.4f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"lag_p50_us\":%.3f,"
           "\"lag_p99_us\":%.3f}\n",
           acked, took_s, failed, (cpu_s() - begun_cpu_s) / took_s, lost_s / took_s,
           ordered_us(times_ns + skipped, counted, 0.5),
           ordered_us(times_ns + skipped, counted, 0.99),
           ordered_us(lags_ns + skipped, counted, 0.5),
           ordered_us(lags_ns + skipped, counted, 0.99));
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: load steady|short|open PORT CONNECTIONS IN_FLIGHT|RATE SECONDS\n");
        return 2;
    }
    int users = atoi(argv[3]);
    double seconds = atof(argv[5]);
    is_short = !strcmp(argv[1], "short");
    is_open = !strcmp(argv[1], "open");
    in_flight = is_open ? 1 : atoi(argv[4]);
    rate = atof(argv[4]);
    server.sin_port = htons(atoi(argv[2]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (users < 1 || users > MAX_USERS || in_flight < 1 || in_flight > MAX_IN_FLIGHT ||
        seconds <= 0 || (is_open && rate * seconds < 10)) {
        fprintf(stderr, "load: 1 to %d connections, 1 to %d in flight, or at least 10 arrivals\n",
                MAX_USERS, MAX_IN_FLIGHT);
        return 2;
    }
    epoll = epoll_create1(0);
    for (int i = 0; i < users; i++) {
        struct user *user = calloc(1, sizeof *user);
        if (!user)
            die("calloc");
        memcpy(user->message, "r000.m000000000\x03", MESSAGE);
        for (int digit = 3, rest = i; rest; rest /= 10)
            user->message[digit--] += rest % 10;
        user->source = server; /* an address of its own for each: else short ones run out of ports */
        user->source.sin_port = 0;
        user->source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i);
        connect_user(user);
    }
    if (is_open)
        run_open(seconds);
    else
        run_closed(seconds);
    return failed != 0;
}
