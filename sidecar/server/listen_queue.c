// SPDX-License-Identifier: MIT
#include "server/listen_queue.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define LISTEN 10 // TCP_LISTEN of <netinet/tcp.h>, which the kernel's headers exclude

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 req;
};

int listen_queue_open(void) {
    return socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

static struct question question_of(const struct sockaddr *to) {
    struct question q = {.head = {.nlmsg_len = sizeof q,
                                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                  .nlmsg_flags = NLM_F_REQUEST},
                         .req = {.sdiag_family = (uint8_t)to->sa_family,
                                 .sdiag_protocol = IPPROTO_TCP,
                                 .idiag_states = 1u << LISTEN,
                                 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
    if (to->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, to, sizeof in);
        q.req.id.idiag_sport = in.sin_port;
        memcpy(q.req.id.idiag_src, &in.sin_addr, sizeof in.sin_addr);
    } else {
        struct sockaddr_in6 in;
        memcpy(&in, to, sizeof in);
        q.req.id.idiag_sport = in.sin6_port;
        memcpy(q.req.id.idiag_src, &in.sin6_addr, sizeof in.sin6_addr);
    }
    return q;
}

int listen_queue_len(int fd, const struct sockaddr *to) {
    union {
        struct nlmsghdr head;
        uint8_t bytes[2048];
    } answer;
    struct inet_diag_msg found;
    struct question q = question_of(to);
    if (send(fd, &q, sizeof q, 0) != (ssize_t)sizeof q) {
        return -1;
    }
    ssize_t n = recv(fd, &answer, sizeof answer, 0);
    if (n < (ssize_t)NLMSG_LENGTH(sizeof found) || answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY) {
        return -1;
    }
    memcpy(&found, answer.bytes + NLMSG_HDRLEN, sizeof found);
    return found.idiag_state == LISTEN ? (int)found.idiag_rqueue : -1;
}
