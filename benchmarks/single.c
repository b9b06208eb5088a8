/* Publish one event a request over many keep-alive connections, each sending its next event when the last is acknowledged.
 *
 *   single PORT FILE CONNECTIONS WARM_SECONDS SECONDS [PATH MEDIA_TYPE]      with the bearer token in $TOKEN
 *
 * FILE holds one event a line, sent in turn, as JSON to /v1/events unless PATH and MEDIA_TYPE say otherwise. Prints one line of
 * JSON: acknowledged requests and refused ones within SECONDS (after WARM_SECONDS that don't count), and the time from sending
 * to the whole answer in milliseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES 16384

typedef struct {
  int fd, filled;
  double sent;
  char answer[ANSWER_BYTES];
} connection;

typedef struct {
  char *text;
  size_t size;
} request;

static request *requests;
static size_t request_count, request_room, next_request;
static float *latencies;
static size_t latency_count, latency_room;
static unsigned long refused;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_requests(const char *path, const char *token, const char *to, const char *media_type) {
  FILE *file = fopen(path, "r");
  if (!file) fail(path);
  char *line = NULL;
  size_t room = 0;
  ssize_t size;
  while ((size = getline(&line, &room, file)) > 0) {
    if (line[size - 1] == '\n') line[--size] = 0;
    if (request_count == request_room) {
      request_room = request_room ? 2 * request_room : 4096;
      if (!(requests = realloc(requests, request_room * sizeof *requests))) fail("realloc");
    }
    int made = asprintf(&requests[request_count].text,
                        "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: %s\r\nContent-Length: %zd\r\n\r\n%s", to, token, media_type, size, line);
    if (made < 0) fail("asprintf");
    requests[request_count++].size = made;
  }
  fclose(file);
  free(line);
  if (!request_count) {
    fprintf(stderr, "%s holds no event\n", path);
    exit(1);
  }
}

static void open_connection(connection *c, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void send_next(connection *c) {
  request *r = &requests[next_request++ % request_count];
  c->filled = 0;
  c->sent = now();
  if (write(c->fd, r->text, r->size) != (ssize_t)r->size) fail("write");
}

/* Whether the answer is there whole. */
static int take(connection *c) {
  ssize_t got = read(c->fd, c->answer + c->filled, ANSWER_BYTES - 1 - c->filled);
  if (got <= 0) {
    fprintf(stderr, "the server closed a connection\n");
    exit(1);
  }
  c->filled += got;
  c->answer[c->filled] = 0;
  char *body = strstr(c->answer, "\r\n\r\n");
  if (!body) return 0;
  char *length = strcasestr(c->answer, "content-length:");
  int expected = length && length < body ? atoi(length + 15) : 0;
  return c->filled >= body + 4 - c->answer + expected;
}

static void note(connection *c, double done) {
  if (c->answer[9] != '2') {
    if (!refused++) fprintf(stderr, "refused: %.500s\n", c->answer);
    return;
  }
  if (latency_count == latency_room) {
    latency_room = latency_room ? 2 * latency_room : 1 << 20;
    if (!(latencies = realloc(latencies, latency_room * sizeof *latencies))) fail("realloc");
  }
  latencies[latency_count++] = (done - c->sent) * 1e3;
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double at_share(double share) {
  return latency_count ? latencies[(size_t)((latency_count - 1) * share)] : 0;
}

int main(int count, char **words) {
  const char *token = getenv("TOKEN");
  if ((count != 6 && count != 8) || !token) {
    fprintf(stderr, "usage: TOKEN=… single PORT FILE CONNECTIONS WARM_SECONDS SECONDS [PATH MEDIA_TYPE]\n");
    return 2;
  }
  int connections = atoi(words[3]), epoll = epoll_create1(0);
  connection *all = calloc(connections, sizeof *all);
  read_requests(words[2], token, count == 8 ? words[6] : "/v1/events", count == 8 ? words[7] : "application/json");
  for (int i = 0; i < connections; i++) {
    open_connection(all + i, atoi(words[1]));
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = all + i};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &wanted);
  }
  double start = now() + atof(words[4]), end = start + atof(words[5]);
  for (int i = 0; i < connections; i++) send_next(all + i);
  struct epoll_event ready[64];
  for (double time = now(); time < end; time = now()) {
    int found = epoll_wait(epoll, ready, 64, 100);
    for (int i = 0; i < found; i++) {
      connection *c = ready[i].data.ptr;
      if (!take(c)) continue;
      double done = now();
      if (done >= start && done < end) note(c, done);
      send_next(c);
    }
  }
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf("{\"acknowledged\":%zu,\"refused\":%lu,\"seconds\":%.3f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f}\n",
         latency_count, refused, end - start, at_share(.5), at_share(.99), at_share(1));
  return 0;
}
