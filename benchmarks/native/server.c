/*
 * The limit: an epoll server in C that speaks the protocol of the lab and does nothing else.
 *
 * One thread, level-triggered epoll, non-blocking sockets. A message is ASCII ended by ETX and is
 * answered by "ack"; "goodbye" closes; a byte over 127 or a message over 4096 bytes closes too.
 * Messages may come split and joined in any way. No demands, no log, no drain, no time-outs.
 *
 *     server          listens on 127.0.0.1, a free port, and prints {"event":"listening","port":N}
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ETX = 3,
    MAX_MESSAGE = 4096,
    RECV_BYTES = 16384,
    MAX_SEND = 3 * RECV_BYTES, /* bytes: as many acks as one read can ask for */
    EVENTS = 1024,
    BACKLOG = 1024
};

static const char GOODBYE[] = "goodbye";
static const int GOODBYE_LENGTH = sizeof GOODBYE - 1;

struct connection {
    int fd;
    int length;       /* of the message that has begun */
    int matched;      /* how much of it is the beginning of "goodbye" */
    long owed;        /* bytes of acknowledgements that are not sent */
    bool over;        /* nothing more is read; closes once nothing is owed */
    bool blocked;     /* waits for EPOLLOUT */
};

static char acks[MAX_SEND + 3];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int open_listener(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) ||
        listen(listener, BACKLOG) || getsockname(listener, (struct sockaddr *)&address, &size))
        die("listen");
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted ones inherit it */
    printf("{\"event\":\"listening\",\"port\":%d}\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* Take the bytes of one read: count the messages they complete, and notice what ends it all. */
static void parse(struct connection *conn, const unsigned char *bytes, long size) {
    for (long i = 0; i < size && !conn->over; i++) {
        if (bytes[i] == ETX) {
            conn->over = conn->length == GOODBYE_LENGTH && conn->matched == GOODBYE_LENGTH;
            conn->owed += conn->over ? 0 : 3;
            conn->length = conn->matched = 0;
        } else {
            if (conn->matched == conn->length && conn->matched < GOODBYE_LENGTH &&
                bytes[i] == (unsigned char)GOODBYE[conn->matched])
                conn->matched++;
            conn->length++;
            conn->over = bytes[i] > 127 || conn->length > MAX_MESSAGE;
        }
    }
}

/* Send what is owed; return whether the connection lives. */
static bool settle(int epoll, struct connection *conn) {
    while (conn->owed > 0) {
        long size = conn->owed < MAX_SEND ? conn->owed : MAX_SEND;
        long begun = (3 - conn->owed % 3) % 3; /* so many bytes of the first "ack" are sent */
        long sent = send(conn->fd, acks + begun, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0)
            break;
        conn->owed -= sent;
    }
    if (conn->blocked != (conn->owed > 0)) {
        conn->blocked = conn->owed > 0;
        struct epoll_event event = {conn->blocked ? EPOLLOUT : EPOLLIN, {.ptr = conn}};
        epoll_ctl(epoll, EPOLL_CTL_MOD, conn->fd, &event);
    }
    return conn->owed > 0 || !conn->over;
}

static void on_ready(int epoll, struct connection *conn) {
    unsigned char bytes[RECV_BYTES];
    bool lives = true;

    if (!conn->blocked) {
        long size = recv(conn->fd, bytes, sizeof bytes, 0);
        if (size > 0)
            parse(conn, bytes, size);
        else
            lives = size < 0 && errno == EAGAIN;
    }
    if (!lives || !settle(epoll, conn)) {
        close(conn->fd);
        free(conn);
    }
}

static void accept_all(int epoll, int listener) {
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *conn = calloc(1, sizeof *conn);
        if (!conn)
            die("calloc");
        conn->fd = fd;
        struct epoll_event event = {EPOLLIN, {.ptr = conn}};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
            die("epoll_ctl");
    }
}

int main(void) {
    struct epoll_event ready[EVENTS];
    int listener = open_listener();
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}};

    for (size_t i = 0; i < sizeof acks; i++)
        acks[i] = "ack"[i % 3];
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event))
        die("epoll");
    for (;;) {
        int count = epoll_wait(epoll, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr)
                on_ready(epoll, ready[i].data.ptr);
            else
                accept_all(epoll, listener);
        }
    }
}
