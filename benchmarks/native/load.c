/*
 * The load: C connections in a closed loop for a while, and what became of their messages.
 *
 *     load steady PORT CONNECTIONS IN_FLIGHT SECONDS    connections stay; each keeps IN_FLIGHT
 *                                                       messages on their way
 *     load short  PORT CONNECTIONS 1 SECONDS            one message a connection: connect, send,
 *                                                       read the ack, close, and again
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
};

struct user {
    int fd;
    bool connecting;
    int partial;   /* bytes of the first expected ack that have come */
    long sent_ns;  /* when the oldest message now on its way was sent */
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

static void on_connected(struct user *user) {
    struct epoll_event event = {EPOLLIN, {.ptr = user}};

    user->connecting = false;
    epoll_ctl(epoll, EPOLL_CTL_MOD, user->fd, &event);
    send_messages(user, is_short ? 1 : in_flight);
}

/* Count what has come; with one message in flight, also how long it took. */
static int take_acks(struct user *user, const char *bytes, long size) {
    int whole = (user->partial + size) / 3;

    for (long i = 0; i < size; i++)
        failed += bytes[i] != "ack"[(user->partial + i) % 3];
    user->partial = (user->partial + size) % 3;
    if (!counting || !whole)
        return whole;
    acked += whole;
    if (in_flight == 1) {
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
    if (whole && is_short)
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

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: load steady|short PORT CONNECTIONS IN_FLIGHT SECONDS\n");
        return 2;
    }
    int users = atoi(argv[3]);
    double seconds = atof(argv[5]);
    is_short = !strcmp(argv[1], "short");
    in_flight = atoi(argv[4]);
    server.sin_port = htons(atoi(argv[2]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (users < 1 || users > 999 || in_flight < 1 || in_flight > MAX_IN_FLIGHT || seconds <= 0) {
        fprintf(stderr, "load: 1 to 999 connections, 1 to %d in flight\n", MAX_IN_FLIGHT);
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
    return failed != 0;
}
