// Asks a server on this machine for the same thing again and again, over many connections that are kept open,
// and prints what it saw as one JSON object. `benchmarks/serving.py` compiles and runs it:
//
//   cc -O2 -o load_client benchmarks/load_client.c
//   load_client PORT REQUEST CONNECTIONS REQUESTS SECONDS
//
// REQUEST is a file with one request as it goes over the wire; nine # signs in a row become a number of nine
// digits, another one each time. Each connection sends its next request when it has the answer to the last
// one, until REQUESTS have been sent in all. After SECONDS what has not come is counted as late.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    kHeader = 1 << 14,
    kRead = 1 << 16,
    kMostRequest = 1 << 20,
    kStatuses = 600,
    kFirstNumber = 100000000
};

typedef enum { kStatusLine, kLength, kUntilClosed, kChunkSize, kChunk, kChunkEnd, kTrailer } Part;

// A word that is looked for in a body, byte by byte; `at` is how much of it has been seen.
typedef struct {
    const char* word;
    int at;
} Search;

typedef struct {
    int socket, open, waiting;  // waiting: a request was sent whose answer is not all there
    size_t sent;                // bytes of the request that are sent
    char header[kHeader];       // the header of the answer, until it is whole
    size_t header_size;
    Part part;
    long left;  // bytes of a body, or of a chunk, that have not come
    int status, closing, reading_number, failed;
    long number;
    double begun, last_event;  // seconds; last_event is 0 before the first
    Search event, tokens, error;
    char* request;
} Connection;

typedef struct {
    double* values;
    size_t count, room;
} Samples;

static Samples latencies, first_bytes, first_events, gaps;
static char request[kMostRequest];
static size_t request_size, number_at;
static long wanted, started, finished, errors, closed, late, reconnects, events, tokens, bytes,
    statuses[kStatuses];
static int port, epoll_descriptor;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

static void end(const char* what) {
    fprintf(stderr, "load_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void note(Samples* samples, double value) {
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 1024;
        samples->values = realloc(samples->values, samples->room * sizeof(double));
        if (!samples->values) end("memory");
    }
    samples->values[samples->count++] = value;
}

static int ascending(const void* a, const void* b) {
    const double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

static double part_of(const Samples* samples, double share) {
    const size_t place = (size_t)(share * samples->count);
    return 1000 * samples->values[place < samples->count ? place : samples->count - 1];
}

static void print_samples(const char* name, Samples* samples) {
    if (!samples->count) {
        printf(", \"%s\": null", name);
        return;
    }
    qsort(samples->values, samples->count, sizeof(double), ascending);
    printf(", \"%s\": {\"count\": %zu, \"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name,
           samples->count, part_of(samples, 0.5), part_of(samples, 0.95), part_of(samples, 0.99),
           part_of(samples, 1));
}

static int found(Search* search, char c) {
    if (c != search->word[search->at]) search->at = 0;
    if (c != search->word[search->at]) return 0;
    if (search->word[++search->at]) return 0;
    search->at = 0;
    return 1;
}

static void connect_to_server(Connection* c) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int yes = 1;
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (c->socket < 0) end("socket");
    if (connect(c->socket, (const struct sockaddr*)&address, sizeof address)) end("connect");
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (fcntl(c->socket, F_SETFL, O_NONBLOCK)) end("fcntl");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, c->socket, &event)) end("epoll_ctl");
    c->open = 1;
}

static void send_rest(Connection* c) {
    while (c->sent < request_size) {
        const ssize_t count = send(c->socket, c->request + c->sent, request_size - c->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) return;  // the server has closed; reading tells it
        c->sent += count;
    }
    struct epoll_event event = {.events = EPOLLIN | (c->sent < request_size ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(epoll_descriptor, EPOLL_CTL_MOD, c->socket, &event);
}

static void begin(Connection* c) {
    if (started == wanted) return;
    if (!c->open) connect_to_server(c);
    if (number_at) {
        char digits[16];
        snprintf(digits, sizeof digits, "%09ld", kFirstNumber + started % (9 * (long)kFirstNumber));
        memcpy(c->request + number_at, digits, 9);
    }
    started++;
    c->sent = c->header_size = 0;
    c->part = kStatusLine;
    c->last_event = 0;
    c->failed = c->reading_number = 0;
    c->event = (Search){"data: {", 0};
    c->tokens = (Search){"\"completion_tokens\":", 0};
    c->error = (Search){"data: {\"error\"", 0};
    c->waiting = 1;
    c->begun = now();
    send_rest(c);
}

static void hang_up(Connection* c) {
    if (c->open) close(c->socket);
    c->open = 0;
}

static void finish(Connection* c) {
    note(&latencies, now() - c->begun);
    statuses[c->status]++;
    errors += c->status >= 400 || c->failed;
    finished++;
    c->waiting = 0;
    if (c->closing) {
        hang_up(c);
        reconnects += started < wanted;
    }
    begin(c);
}

// Reads the header of an answer, which is whole, and sets how its body ends.
static void read_header(Connection* c) {
    c->status = atoi(c->header + 9);
    if (c->status < 100 || c->status >= kStatuses) c->status = 0;
    c->closing = strcasestr(c->header, "\nconnection: close") != NULL;
    const char* length = strcasestr(c->header, "\ncontent-length:");
    if (strcasestr(c->header, "\ntransfer-encoding: chunked")) {
        c->part = kChunkSize;
        c->left = 0;
    } else if (length) {
        c->part = kLength;
        c->left = atol(length + 16);
    } else {
        c->part = kUntilClosed;
        c->closing = 1;
    }
}

// Returns the number of events that begin in a part of a body.
static long read_body(Connection* c, const char* body, size_t size) {
    long count = 0;
    for (size_t i = 0; i < size; i++) {
        count += found(&c->event, body[i]);
        c->failed |= found(&c->error, body[i]);
        if (c->reading_number && body[i] >= '0' && body[i] <= '9') {
            c->number = 10 * c->number + body[i] - '0';
        } else if (c->reading_number && body[i] != ' ') {
            tokens += c->number;
            c->reading_number = 0;
        }
        if (found(&c->tokens, body[i])) {
            c->reading_number = 1;
            c->number = 0;
        }
    }
    return count;
}

static int hexadecimal(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

// Reads one byte, or several of a body; returns how many, and sets whether the answer is whole.
static size_t step(Connection* c, const char* data, size_t size, long* count, int* whole) {
    if (c->part == kLength || c->part == kUntilClosed || c->part == kChunk) {
        const size_t part = c->part == kUntilClosed || (long)size < c->left ? size : (size_t)c->left;
        *count += read_body(c, data, part);
        c->left -= part;
        if (c->part == kLength) *whole = !c->left;
        if (c->part == kChunk && !c->left) c->part = kChunkEnd;
        return part;
    }
    if (c->part == kStatusLine) {
        c->header[c->header_size++] = *data;
        c->header[c->header_size] = 0;
        if (c->header_size + 1 == kHeader) end("a header is too long");
        if (c->header_size >= 4 && !memcmp(c->header + c->header_size - 4, "\r\n\r\n", 4)) {
            read_header(c);
            *whole = c->part == kLength && !c->left;
        }
    } else if (c->part == kChunkSize && *data == '\n') {
        c->part = c->left ? kChunk : kTrailer;
    } else if (c->part == kChunkSize && hexadecimal(*data) >= 0) {
        c->left = 16 * c->left + hexadecimal(*data);
    } else if (c->part == kChunkEnd && *data == '\n') {
        c->part = kChunkSize;
    } else if (c->part == kTrailer) {
        *whole = *data == '\n';
    }
    return 1;
}

static void lose(Connection* c) {
    hang_up(c);
    if (c->waiting && c->part == kUntilClosed) {
        finish(c);
    } else if (c->waiting) {
        closed++;
        c->waiting = 0;
        finished++;
        begin(c);
    }
}

static void receive(Connection* c) {
    static char data[kRead];
    const ssize_t size = recv(c->socket, data, sizeof data, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
        lose(c);
        return;
    }
    const double time = now();
    long count = 0;
    int whole = 0;
    bytes += size;
    if (c->part == kStatusLine && !c->header_size) note(&first_bytes, time - c->begun);
    for (size_t done = 0; done < (size_t)size && !whole;)
        done += step(c, data + done, size - done, &count, &whole);
    if (count) {
        note(c->last_event ? &gaps : &first_events, time - (c->last_event ? c->last_event : c->begun));
        c->last_event = time;
        events += count;
    }
    if (whole) finish(c);
}

static void read_request(const char* path) {
    FILE* file = fopen(path, "rb");
    if (!file) end(path);
    request_size = fread(request, 1, sizeof request, file);
    fclose(file);
    const char* place = memmem(request, request_size, "#########", 9);
    number_at = place ? place - request : 0;
}

static void report(double seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const double spent = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
                         1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    printf("{\"requests\": %ld, \"errors\": %ld, \"closed\": %ld, \"late\": %ld, \"reconnects\": %ld",
           finished, errors, closed, late, reconnects);
    printf(", \"seconds\": %.6f, \"client_processor_seconds\": %.6f", seconds, spent);
    printf(", \"bytes\": %ld, \"events\": %ld, \"tokens\": %ld, \"statuses\": {", bytes, events, tokens);
    const char* comma = "";
    for (int status = 0; status < kStatuses; status++) {
        if (statuses[status]) printf("%s\"%d\": %ld", comma, status, statuses[status]), comma = ", ";
    }
    printf("}");
    print_samples("latency_ms", &latencies);
    print_samples("first_byte_ms", &first_bytes);
    print_samples("first_event_ms", &first_events);
    print_samples("gap_ms", &gaps);
    printf("}\n");
}

int main(int count, char** arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: load_client PORT REQUEST CONNECTIONS REQUESTS SECONDS\n");
        return 2;
    }
    port = atoi(arguments[1]);
    read_request(arguments[2]);
    const long size = atol(arguments[3]);
    wanted = atol(arguments[4]);
    Connection* connections = calloc(size, sizeof *connections);
    struct epoll_event* ready = calloc(size, sizeof *ready);
    epoll_descriptor = epoll_create1(0);
    if (!connections || !ready || epoll_descriptor < 0) end("start");
    for (long i = 0; i < size; i++) {
        connections[i].request = malloc(request_size);
        memcpy(connections[i].request, request, request_size);
        connect_to_server(&connections[i]);
    }
    const double start = now(), limit = start + atof(arguments[5]);
    for (long i = 0; i < size; i++) begin(&connections[i]);
    while (finished < wanted && now() < limit) {
        const int number = epoll_wait(epoll_descriptor, ready, size, 100);
        for (int i = 0; i < number; i++) {
            Connection* c = ready[i].data.ptr;
            if (ready[i].events & EPOLLOUT) send_rest(c);
            if (c->open && (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive(c);
        }
    }
    late = started - finished;
    report(now() - start);
    return 0;
}
